"""What a syntax tree says about functions: ast nodes go in, ast nodes and words come out.

Nothing here runs the user's code; the host uses it as well.
"""

from __future__ import annotations

from .functions import (
    BINARY_METHODS,
    UNARY_METHODS,
    Definition,
    Function,
    Parameter,
    Signature,
    decorator_names,
    definitions_along,
    function_named,
    functions,
    is_bound,
    outermost_function,
    shape_of,
    signature_of,
)
from .read_parameters import read_parameters

__all__ = [
    "BINARY_METHODS",
    "UNARY_METHODS",
    "Definition",
    "Function",
    "Parameter",
    "Signature",
    "decorator_names",
    "definitions_along",
    "function_named",
    "functions",
    "is_bound",
    "outermost_function",
    "read_parameters",
    "shape_of",
    "signature_of",
]
