"""The desk: one SQLite database a repository, with everything the editor may want to look at."""
