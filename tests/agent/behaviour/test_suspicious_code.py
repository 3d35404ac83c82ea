"""Code that looks at what runs it is never called the same."""

from __future__ import annotations

import pytest

from copydesk.agent.behaviour.suspicious_code import why_not_judged

PLAIN = "import re\ndef f(x):\n    return x\n"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("import gc", "imports gc"),
        ("from ctypes import CDLL", "imports ctypes"),
        ("import sys; sys._getframe(1)", "looks at its callers"),
        ("import sys; X = 'pytest' in sys.modules", "looks at what is imported"),
        ("from sys import modules", "looks at what is imported"),
        ("from os import _exit", "ends its process"),
        ("X = 'COPYDESK_TOOLS'", "speaks of copydesk"),
        ("X = open('/proc/self/fd')", "speaks of /proc/"),
        ("def (:", "cannot be read as Python"),
        ("from .models import modules", ""),
        ("import app; app.modules", ""),
    ],
)
def test_what_is_new_in_a_module_counts(line: str, why: str) -> None:
    assert why_not_judged(PLAIN.encode(), f"{PLAIN}{line}\n".encode(), "f") == why


def test_what_was_there_counts_only_in_the_function_itself() -> None:
    source = b"import gc\ndef f(x):\n    return x\ndef g(x):\n    return x.__code__\n"
    assert why_not_judged(source, source, "f") == ""
    assert why_not_judged(source, source, "g") == "looks at code"
