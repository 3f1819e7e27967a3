"""What variables and files say about who would sign here, and how AWS would be reached; nobody is asked."""
