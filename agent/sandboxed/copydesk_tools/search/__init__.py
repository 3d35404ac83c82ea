"""Find and record calls of one function: a JSON request in, the recorded calls out.

`main` answers the request with the calls that `calls` makes up of the values in `values`, and that
`run` makes and watches.
"""
