"""Incremental coverage: which tests a commit affects, what they execute, and the exact total."""
