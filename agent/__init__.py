"""The daemon and its work: coverage, drafts, stories, feedback, and the command line."""
