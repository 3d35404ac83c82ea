"""The loop that sees commits and gets the work done, one job at a time, in child processes."""
