"""The parts of a report as they are written down; one that cannot be costs no other."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from copydesk.agent.desk.failures import costs_one_item, error_line

_Part = TypeVar("_Part")
_Other = TypeVar("_Other")


class RenderedParts:
    """Writes the parts of a report; `failures` names those that copydesk failed on, with why."""

    def __init__(self) -> None:
        self.failures: list[str] = []

    def get(self, name: str, render: Callable[[], _Part], otherwise: _Other) -> _Part | _Other:
        """A part; what stands instead where it cannot be written.

        Args:
            name: What the part is called.
            render: Writes it.
            otherwise: What stands instead.
        """
        try:
            return render()
        except Exception as error:
            if not costs_one_item(error):
                raise
            self.failures.append(f"{name}: left out, copydesk failed on it ({error_line(error)})")
            return otherwise
