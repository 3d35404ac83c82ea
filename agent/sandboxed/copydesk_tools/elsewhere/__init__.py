"""Other places that a test may run in, and what a call reads of the place it runs in.

The sandbox is one place, with one user, one time zone, one way of starting pytest. What a test
expects must not hang on them. Runs in the user's interpreter; standard library only.
"""

from .places import PLACES, Place

__all__ = ["PLACES", "Place"]
