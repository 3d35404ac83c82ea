"""Calls worth trying: a function and values for its parameters go in, calls come out."""
