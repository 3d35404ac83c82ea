"""Puts in place what a call reads besides its arguments, as pytest's monkeypatch would."""

from __future__ import annotations

import contextlib
import os
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Dict

from ..values.call import Patches
from ..values.expressions import evaluate


@contextlib.contextmanager
def applied(patches: Patches, local: Dict[str, Any]) -> Iterator[None]:
    """Everything in place, and put back at the end."""
    with contextlib.ExitStack() as stack:
        for name, expression in patches:
            value = evaluate(expression, local)
            if name.startswith("file:"):
                _write_file(local["tmp_path"] / name[5:], value, stack)
            else:
                _apply(name, value, stack)
        yield


def _write_file(path: Path, text: str, stack: contextlib.ExitStack) -> None:
    path.write_text(text)
    stack.callback(path.unlink)


def _apply(name: str, value: Any, stack: contextlib.ExitStack) -> None:
    if name == "cwd":
        stack.callback(os.chdir, os.getcwd())
        os.chdir(value)
    elif name == "seed":
        stack.callback(random.setstate, random.getstate())
        random.seed(value)
    elif name.startswith("env:"):
        key = name[4:]
        before = os.environ.get(key)
        stack.callback(_set_variable, key, before)
        _set_variable(key, value)
    else:
        module: Any = time if name == "time.time" else sys
        word = name.rpartition(".")[2]
        stack.callback(setattr, module, word, getattr(module, word))
        setattr(module, word, (lambda: value) if name == "time.time" else value)


def _set_variable(key: str, value: Any) -> None:
    if value is None:
        os.environ.pop(key, None)
    else:
        os.environ[key] = value
