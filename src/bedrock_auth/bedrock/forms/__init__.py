"""What every operation shares: AWS's form of values, JSON that keeps bytes, files and what they are."""
