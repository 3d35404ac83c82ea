"""Functions put in place of others', and taken out again."""

from __future__ import annotations

from typing import Any


class Replacements:
    """The attributes of modules and classes that were replaced so far."""

    def __init__(self) -> None:
        self._former: list[tuple[Any, str, Any, Any]] = []

    def replace(self, owner: Any, name: str, function: Any) -> None:
        """Put a function in place of an attribute of a module or a class."""
        former = owner.__dict__.get(name, _INHERITED)
        setattr(owner, name, function)
        self._former.append((owner, name, former, owner.__dict__[name]))

    def restore(self) -> None:
        """Put back what was there, the last one first; what others replaced since stays theirs."""
        while self._former:
            owner, name, former, current = self._former.pop()
            if owner.__dict__.get(name) is not current:
                continue
            if former is _INHERITED:
                delattr(owner, name)
            else:
                setattr(owner, name, former)


_INHERITED = object()
