"""One side of a comparison of two versions of a function: what calls of this version do.

A JSON request in, JSON out. Nothing here knows what the other version does: the host compares.
"""
