"""What joins this library to others, each module behind the extra of its name. Nothing here is imported by anything else."""
