"""Setting copydesk up in a repository, and taking it out again."""
