"""Find the Python in what a model said, however it said it."""

from __future__ import annotations

import ast
import json
import re
import textwrap
from collections.abc import Iterator

from copydesk.agent.testgen.project import parse

MAX_CHARACTERS = 40_000
"""Longer answers are cut before they are read."""

_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[^\n`]*\n(.*?)(?:^[ \t]*\1[`~]*[ \t]*$|\Z)", re.M | re.S)
_START = re.compile(r"(?:import |from \S+ import|def |async def |class |@|[A-Za-z_]\w* *=[^=])")
_TRIES = 60


def python_in(answer: str) -> str:
    """The Python in a model's answer.

    Takes a fenced block, several (a later definition replaces an earlier one when they are
    read in order), a block that was cut in the middle, code without a fence, code with prose
    around it, and code inside the strings of a JSON document, raw newlines and all. Whole
    statements that do not parse are left out.

    Returns:
        A text that parses; "" when there is no Python in it.
    """
    answer = answer.replace("\r\n", "\n")[:MAX_CHARACTERS]
    codes: list[str] = []
    for block in [match[2] for match in _FENCE.finditer(answer)] or [answer]:
        codes += map(_salvage, _texts_of(block) or [block])
    return "\n\n".join(filter(None, codes))


def _texts_of(block: str) -> list[str]:
    """The strings of a JSON document, in order; none when it is no JSON."""
    if not block.lstrip().startswith(("{", "[")):
        return []
    try:
        return list(_strings(json.loads(block, strict=False)))  # raw newlines are let through
    except (ValueError, RecursionError):
        return []


def _strings(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list() if value and all(isinstance(part, str) for part in value):
            yield "\n".join(value)  # a line each
        case list() | dict():
            for part in value.values() if isinstance(value, dict) else value:
                yield from _strings(part)


def _salvage(block: str) -> str:
    """The statements of a text that parse, or ""."""
    code = textwrap.dedent(block.expandtabs(4)).strip("\n")
    tree = parse(code)
    if tree is not None:
        only_prose = all(isinstance(statement, ast.Expr) for statement in tree.body)
        return "" if only_prose else code
    return "\n\n".join(filter(None, map(_longest, _chunks(code))))


def _chunks(code: str) -> list[list[str]]:
    """The lines of a text, split where a statement seems to begin; prose in front is dropped."""
    chunks: list[list[str]] = []
    for line in code.split("\n"):
        decorated = bool(chunks) and chunks[-1][-1].startswith("@")
        if _START.match(line) and not decorated:
            chunks.append([line])
        elif chunks:
            chunks[-1].append(line)
    return chunks


def _longest(lines: list[str]) -> str:
    """The longest beginning of some lines that parses, or ""."""
    length = sum(map(len, lines)) + 1
    tries = max(5, min(_TRIES, 100_000 // length))  # a long text takes long to parse each time
    for end in range(len(lines), max(0, len(lines) - tries), -1):
        code = "\n".join(lines[:end]).rstrip()
        if code and parse(code) is not None:
            return code
    return ""
