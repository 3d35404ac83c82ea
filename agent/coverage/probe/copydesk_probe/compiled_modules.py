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

from .unaudited_calls import Replace


class CompiledModules:
    """Code objects in a folder.

    Args:
        folder: Where they are kept; made when the first one is.
        is_in_tree: Whether a path belongs to the tree.
        replace: Puts a function in place of another.
    """

    def __init__(self, folder: str, is_in_tree: Callable[[str], bool], replace: Replace) -> None:
        self.folder = folder
        self._is_in_tree = is_in_tree
        self._replace = replace
        self._has_folder = False

    def code_of(self, kind: str, path: str, source: bytes, compile_it: Callable[[], Any]) -> Any:
        """The code of a source, compiled only when it is not there yet.

        Code whose compilation warns is not kept: the warning belongs to every run.

        Args:
            kind: Who compiles it.
            path: Of the source.
            source: Its text.
            compile_it: Compiles it.
        """
        name = self._file_name(kind, path, source)
        with contextlib.suppress(Exception), open(name, "rb") as file:
            return marshal.load(file)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                code: Any = compile_it()
            except Exception:
                code = None
        if caught or code is None:
            return compile_it()  # once more, for the user to see the warning or the error
        with contextlib.suppress(OSError, ValueError):
            self._write(name, code)
        return code

    def _file_name(self, kind: str, path: str, source: bytes) -> str:
        compiler = (kind, path, sys.version, str(sys.flags.optimize))
        digest = hashlib.sha256("\0".join(compiler).encode("utf-8", "surrogateescape"))
        digest.update(b"\0" + importlib.util.MAGIC_NUMBER + b"\0" + source)
        return os.path.join(self.folder, digest.hexdigest()[:40])

    def _write(self, name: str, code: Any) -> None:
        if not self._has_folder:
            os.makedirs(self.folder, exist_ok=True)
            self._has_folder = True
        partial = f"{name}.{os.getpid()}"
        with open(partial, "wb") as file:
            marshal.dump(code, file)
        os.replace(partial, name)

    def serve_imports(self) -> None:
        """Have the import system take the tree's modules from this store of compiled code."""
        loader_class = importlib.machinery.SourceFileLoader
        original, source_to_code = loader_class.get_code, loader_class.source_to_code

        def get_code(loader: Any, fullname: str) -> Any:
            # a loader of somebody else's may translate the source in its own way
            if type(loader).source_to_code is not source_to_code:
                return original(loader, fullname)
            path = loader.get_filename(fullname)
            if not self._is_in_tree(path):
                return original(loader, fullname)
            source = loader.get_data(path)
            return self.code_of("plain", path, source, lambda: loader.source_to_code(source, path))

        self._replace(loader_class, "get_code", get_code)

    def serve_rewriting(self) -> None:
        """Let test files be loaded from here, with the assertions that pytest has rewritten.

        pytest offers no interface for this; where a version has no such function, it rewrites.
        """
        from _pytest import __version__
        from _pytest.assertion import rewrite

        sys.dont_write_bytecode = True
        original = getattr(rewrite, "_rewrite_test", None)
        if original is None:
            return

        def rewrite_test(fn: Any, config: Any) -> Any:
            path = str(fn)
            if not self._is_in_tree(path):
                return original(fn, config)
            hook = config.getini("enable_assertion_pass_hook")
            with open(path, "rb") as file:
                source = file.read()
            kind = f"pytest {__version__} {hook}"
            # the first half of the answer is for a bytecode file, which is never written here
            return None, self.code_of(kind, path, source, lambda: original(fn, config)[1])

        self._replace(rewrite, "_rewrite_test", rewrite_test)
