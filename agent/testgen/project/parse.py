"""Parses Python that may not be any."""

from __future__ import annotations

import ast
import warnings


def parse(code: str) -> ast.Module | None:
    """The syntax tree of a text, or None when it is not Python."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an invalid escape in a model's text is no news
        try:
            return ast.parse(code)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
