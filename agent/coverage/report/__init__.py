"""What needs attention in a measured commit, and why: as Markdown, JSON or one HTML file."""
