"""Drafts of tests: who writes them, how they are checked, and where they go."""
