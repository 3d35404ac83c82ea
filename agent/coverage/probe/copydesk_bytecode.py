"""Compiled modules of the tree, kept by what they were compiled from.

A snapshot holds no bytecode files, and rewriting assertions is most of what collecting a test
file costs. What is kept is named by a hash of the source, of its path and of all that compiles
it, so it cannot be out of date, and nothing shows in the tree. Standard library only; never
imported as part of copydesk.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.machinery
import importlib.util
import marshal
import os
import sys
import warnings
from typing import Any, Callable


class Bytecode:
    """Code objects in a folder.

    Args:
        folder: Where they are kept; made when the first one is.
        inside: Whether a path belongs to the tree.
    """

    def __init__(self, folder: str, inside: Callable[[str], bool]) -> None:
        self.folder = folder
        self.inside = inside
        self._made = False

    def compiled(self, kind: str, path: str, source: bytes, make: Callable[[], Any]) -> Any:
        """The code of a source, made only when it is not there yet.

        Code whose compilation warns is not kept: the warning belongs to every run.
        """
        name = self._name(kind, path, source)
        with contextlib.suppress(Exception), open(name, "rb") as file:
            return marshal.load(file)
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            try:
                code: Any = make()
            except Exception:
                said.append(None)  # type: ignore[arg-type]
        if said:
            return make()
        with contextlib.suppress(OSError, ValueError):
            self._keep(name, code)
        return code

    def _name(self, kind: str, path: str, source: bytes) -> str:
        made_by = (kind, path, sys.version, str(sys.flags.optimize))
        digest = hashlib.sha256("\0".join(made_by).encode("utf-8", "surrogateescape"))
        digest.update(b"\0" + importlib.util.MAGIC_NUMBER + b"\0" + source)
        return os.path.join(self.folder, digest.hexdigest()[:40])

    def _keep(self, name: str, code: Any) -> None:
        if not self._made:
            os.makedirs(self.folder, exist_ok=True)
            self._made = True
        partial = f"{name}.{os.getpid()}"
        with open(partial, "wb") as file:
            marshal.dump(code, file)
        os.replace(partial, name)

    def serve_imports(self) -> None:
        """Let modules of the tree be loaded from here."""
        plain = importlib.machinery.SourceFileLoader
        inner, translate = plain.get_code, plain.source_to_code

        def get_code(loader: Any, fullname: str) -> Any:
            # a loader of somebody else's may translate the source in its own way
            if type(loader).source_to_code is not translate:
                return inner(loader, fullname)
            path = loader.get_filename(fullname)
            if not self.inside(path):
                return inner(loader, fullname)
            source = loader.get_data(path)
            make = lambda: loader.source_to_code(source, path)  # noqa: E731
            return self.compiled("plain", path, source, make)

        plain.get_code = get_code  # type: ignore[method-assign, assignment]

    def serve_rewriting(self) -> None:
        """Let test files be loaded from here, with the assertions that pytest has rewritten.

        pytest offers no interface for this; where a version has no such function, it rewrites.
        """
        import pytest
        from _pytest.assertion import rewrite

        sys.dont_write_bytecode = True
        inner = getattr(rewrite, "_rewrite_test", None)
        if inner is None:
            return

        def rewrite_test(fn: Any, config: Any) -> Any:
            path = str(fn)
            if not self.inside(path):
                return inner(fn, config)
            hook = config.getini("enable_assertion_pass_hook")
            with open(path, "rb") as file:
                source = file.read()
            kind = f"pytest {pytest.__version__} {hook}"
            # the other half of the answer is for a bytecode file, which is never written here
            return None, self.compiled(kind, path, source, lambda: inner(fn, config)[1])

        rewrite._rewrite_test = rewrite_test
