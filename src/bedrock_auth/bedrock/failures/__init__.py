"""What went wrong: AWS's codes and texts to classes and to words."""
