"""`copydesk demo`: copydesk at work on a small project of its own, from the hooks to a test."""
