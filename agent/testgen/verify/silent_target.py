"""The target doing nothing, or what it does without its errors: no test may hold against both.

A target that raises (raising_target.py) fails every test that reaches it, whatever that asserts.
These versions raise nothing, so a test notices them only by what it says of the outcome:

- *silent*: the functions do nothing of their own and give back a stranger, a value that lets itself
  be used like any other and equals only itself, in every copy of the module.
- *muffled*: the functions do as they do, but what they would raise becomes a stranger's return.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Collection, Sequence

from copydesk.agent.sandboxed.copydesk_tools.verify import STRANGER
from copydesk.agent.testgen.project import Function, first_statement, is_text

_STRANGER = """
class stranger(str):
    __slots__ = ()
    def __getattr__(self, name):
        if name[:2] == "__":
            raise AttributeError(name)
        return self
    def __bool__(self): return TRUTH
    def __len__(self): return 1
    def __iter__(self): return iter((self,))
    def __next__(self): raise StopIteration
    def __contains__(self, other): return other == self
    def __index__(self): return int(str(self))
    def __int__(self): return int(str(self))
    def __float__(self): return float(str(self))
    def __complex__(self): return complex(str(self))
    def __format__(self, spec): return str(self)
    def __lt__(self, other): return False
    def __le__(self, other): return other == self
    def __await__(self):
        return self
        yield
    def __aiter__(self): return self
    async def __anext__(self): raise StopAsyncIteration
    async def __aenter__(self): return self
    async def __aexit__(self, *of): return None
    def __exit__(self, *of): return None
    def __reduce__(self): return str, (str(self),)
    __gt__, __ge__ = __lt__, __le__
def same(self, *of, **named): return self
for name in NAMES:
    setattr(stranger, "__%s__" % name, same)
"""
_NAMES = (
    "call enter getitem setitem delitem round floor ceil trunc neg pos invert abs"
    " add radd sub rsub mul rmul truediv rtruediv floordiv rfloordiv mod rmod pow rpow"
    " matmul rmatmul and rand or ror xor rxor lshift rlshift rshift rrshift divmod rdivmod"
)
_NO_VALUE = frozenset({"__init__", "__init_subclass__", "__set_name__", "__post_init__", "__del__"})
_ENDS = {"__next__": "raise StopIteration", "__anext__": "raise StopAsyncIteration"}


def with_silence(source: str, functions: Collection[Function], *, truth: bool = False) -> str:
    """The source with functions that do nothing; their bodies stay where they are.

    Args:
        source: A whole module.
        functions: The functions, from a tree of the same source.
        truth: Whether the stranger is true or false.
    """
    rows = source.split("\n")
    stranger = _stranger(truth)
    for function in sorted(functions, key=lambda f: f.lineno, reverse=True):
        _insert(rows, function, _leave(function, stranger))
    return "\n".join(rows)


def muffled(source: str, lines: Collection[int]) -> str:
    """The source with functions that give back a stranger where they would raise.

    Args:
        source: A whole module.
        lines: The first lines of the functions, decorators left out.
    """
    rows = source.split("\n")
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, Function)]
    taken = [function for function in functions if function.lineno in lines]
    outermost = [f for f in taken if not any(_holds(other, f) for other in taken)]
    for function in sorted(outermost, key=lambda f: f.lineno, reverse=True):
        row = rows[function.lineno - 1]
        indent = row[: len(row) - len(row.lstrip())]
        text = ast.unparse(_muffled(function))
        new_rows = [indent + row for row in text.split("\n")]
        rows[function.lineno - 1 : function.end_lineno] = new_rows
    return "\n".join(rows)


def _muffled(function: Function) -> Function:
    """A function whose body stands in a try statement; its decorators are left out."""
    changed = copy.copy(function)
    changed.decorator_list = []
    docstring = [s for s in function.body[:1] if is_text(s)]
    text = f"def f():\n  try: 0\n  except BaseException:\n    {_return(function)}"
    attempt = next(node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Try))
    attempt.body = function.body[len(docstring) :] or [ast.Pass()]
    changed.body = [*docstring, attempt]
    return changed


def _return(function: Function) -> str:
    """The statement with which a muffled function ends where it would raise."""
    nothing = function.name in _NO_VALUE or _yields(function)
    return "return" if nothing else f"return {_stranger(truth=False)}"


def _leave(function: Function, stranger: str) -> str:
    """The statements with which a silent function ends at once."""
    if function.name in _NO_VALUE:
        return "return"
    if function.name in _ENDS:
        return _ENDS[function.name]
    if _yields(function):  # once, as a context manager must
        return f"yield {stranger}; return"
    return f"return {stranger}"


def _insert(rows: list[str], function: Function, leave: str) -> None:
    """Put the leaving before the first statement, so that the compiler keeps what follows: code
    that went away would be a difference to see.
    """
    statement = first_statement(function)
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    index = min([statement.lineno, *(d.lineno for d in decorators)]) - 1
    row = rows[index]
    indent = row[: len(row) - len(row.lstrip())]
    before = row.encode()[: statement.col_offset].decode()
    if indent == before or decorators:
        rows.insert(index, f"{indent}if [0]: {leave}")
    else:  # it follows something on its line
        rows[index] = f"{before}{leave}; {row[len(before) :]}"


def _stranger(truth: bool) -> str:
    """An expression that makes a stranger; whoever runs it puts a number in its value's place."""
    code = _STRANGER.replace("TRUTH", str(truth)).replace("NAMES", repr(tuple(_NAMES.split())))
    return f"(lambda names: exec({code!r}, names) or names['stranger']({STRANGER!r}))({{}})"


def _yields(function: Function) -> bool:
    """Whether a function is a generator."""
    inner: Sequence[ast.AST] = list(function.body)
    while inner:
        if any(isinstance(node, ast.Yield | ast.YieldFrom) for node in inner):
            return True
        own = [node for node in inner if not isinstance(node, Function | ast.Lambda | ast.ClassDef)]
        inner = [child for node in own for child in ast.iter_child_nodes(node)]
    return False


def _holds(outer: Function, inner: Function) -> bool:
    """Whether one function's definition stands in another's."""
    last = outer.end_lineno or outer.lineno
    return outer is not inner and outer.lineno <= inner.lineno <= last
