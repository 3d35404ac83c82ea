"""What is predicted: one folder a subject."""
