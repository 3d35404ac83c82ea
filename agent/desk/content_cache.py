"""Values worked out from content alone, kept so that they are worked out once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from copydesk.agent.desk.connection import Connection, transaction


@dataclass(slots=True)
class ContentCache:
    """A function whose results stay on the desk, in the table `known`.

    Args:
        db: The desk.
        kind: Which function it is, and which version of it: a new version is a new kind.
        compute: The function, from a key to a value that JSON can hold. A key is the id of what
            the value follows from, such as a git blob, so a value never changes.
    """

    db: Connection
    kind: str
    compute: Callable[[str], Any]
    _texts: dict[str, str] = field(default_factory=dict)
    _new_keys: set[str] = field(default_factory=set)

    def fetch(self, keys: Iterable[str]) -> set[str]:
        """Read many values at once.

        Returns:
            The keys whose values are not on the desk yet.
        """
        unread = set(keys) - self._texts.keys()
        self._texts.update(
            self.db.execute(
                "SELECT k.key, k.value FROM json_each(?) AS wanted"
                " JOIN known AS k ON k.kind = ? AND k.key = wanted.value",
                (json.dumps(sorted(unread)), self.kind),
            )
        )
        return unread - self._texts.keys()

    def __call__(self, key: str) -> Any:
        """The value of a key, computed where it is not on the desk."""
        if key not in self._texts and self.fetch([key]):
            self.recompute(key)
        return json.loads(self._texts[key])

    def recompute(self, key: str) -> None:
        """Compute a value again, whatever is on the desk."""
        self._texts[key] = json.dumps(self.compute(key), separators=(",", ":"))
        self._new_keys.add(key)

    def save(self) -> None:
        """Write what was computed to the desk."""
        rows = [(self.kind, key, self._texts[key]) for key in sorted(self._new_keys)]
        with transaction(self.db):
            self.db.executemany(
                "INSERT OR REPLACE INTO known (kind, key, value) VALUES (?, ?, ?)", rows
            )
        self._new_keys.clear()


def clear(db: Connection) -> None:
    """Empty the cache of every function; what is needed is computed anew."""
    with transaction(db):
        db.execute("DELETE FROM known")
