"""What calls give, as a reader would see it at Python's prompt."""
