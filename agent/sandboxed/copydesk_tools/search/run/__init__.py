"""Make calls in forks and watch them: a call goes in, what a test may assert about it comes out."""
