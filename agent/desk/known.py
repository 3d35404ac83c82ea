"""Values worked out from content alone, kept so that they are worked out once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import transaction


@dataclass(slots=True)
class Known:
    """A function whose results stay on the desk.

    Args:
        db: The desk.
        kind: Which function it is, and which version of it: a new version is a new kind.
        work: The function, from a key to a value that JSON can hold. A key is the id of what the
            value follows from, such as a git blob, so a value never changes.
    """

    db: Database
    kind: str
    work: Callable[[str], Any]
    _texts: dict[str, str] = field(default_factory=dict)
    _new: set[str] = field(default_factory=set)

    def fetch(self, keys: Iterable[str]) -> set[str]:
        """Read many at once.

        Returns:
            The keys that are not known yet.
        """
        wanted = set(keys) - self._texts.keys()
        self._texts.update(
            self.db.execute(
                "SELECT k.key, k.value FROM json_each(?) AS wanted"
                " JOIN known AS k ON k.kind = ? AND k.key = wanted.value",
                (json.dumps(sorted(wanted)), self.kind),
            )
        )
        return wanted - self._texts.keys()

    def __call__(self, key: str) -> Any:
        """The value of a key, worked out where it is not known."""
        if key not in self._texts and self.fetch([key]):
            self.renew(key)
        return json.loads(self._texts[key])

    def renew(self, key: str) -> None:
        """Work a value out again, whatever is known."""
        self._texts[key] = json.dumps(self.work(key), separators=(",", ":"))
        self._new.add(key)

    def save(self) -> None:
        """Keep what was worked out."""
        with transaction(self.db):
            self.db.executemany(
                "INSERT OR REPLACE INTO known (kind, key, value) VALUES (?, ?, ?)",
                [(self.kind, key, self._texts[key]) for key in sorted(self._new)],
            )
        self._new.clear()
