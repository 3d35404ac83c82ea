"""What git runs. Standard library only: nothing here may import another room."""
