"""What a syntax tree says about functions: goes in as ast nodes, comes out as ast nodes and words.

Nothing here runs the user's code; the host uses it as well.
"""
