"""What the command lines share, and what they print."""
