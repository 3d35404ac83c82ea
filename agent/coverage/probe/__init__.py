"""What runs inside the user's own interpreter; never imported as part of copydesk."""
