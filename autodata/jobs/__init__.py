"""What a user asks for, one file for each."""
