"""Sending a story to Discord: the webhook's address, its calls, and what is kept of them."""
