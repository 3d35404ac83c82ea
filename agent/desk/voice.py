"""How the author writes: the table `voice`, a row per line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from copydesk.agent.desk.connection import Connection, transaction


class VoiceLine(NamedTuple):
    """A line of a voice: what was learnt, from what, and what the author chose in its place.

    learnt is None where nothing was, chosen where the author left it; both are plain values.
    """

    learnt: Any
    evidence: str
    chosen: Any = None

    @property
    def is_chosen(self) -> bool:
        """Whether the author chose it."""
        return self.chosen is not None

    @property
    def value(self) -> Any:
        """What is in force."""
        return self.chosen if self.is_chosen else self.learnt


class VoiceLines:
    """The lines of the author's voice, as `Database.voice` hands them out.

    Args:
        db: The desk.
    """

    def __init__(self, db: Connection) -> None:
        self._db = db

    def all(self) -> dict[str, VoiceLine]:
        """The lines that were learnt or chosen, by their key."""
        rows = self._db.execute("SELECT key, learnt, evidence, chosen FROM voice ORDER BY key")
        return {
            str(key): VoiceLine(json.loads(learnt), str(evidence), json.loads(chosen))
            for key, learnt, evidence, chosen in rows
        }

    def learn(self, lines: Iterable[tuple[str, Any, str]]) -> None:
        """Keep what was learnt in place of what was learnt before; what was chosen stays.

        Args:
            lines: Key, value and evidence of each line.
        """
        with transaction(self._db):
            self._db.execute("UPDATE voice SET learnt = 'null', evidence = ''")
            for key, value, evidence in lines:
                self._db.execute(
                    "INSERT INTO voice (key, learnt, evidence) VALUES (?, ?, ?) ON CONFLICT (key)"
                    " DO UPDATE SET learnt = excluded.learnt, evidence = excluded.evidence",
                    (key, json.dumps(value), evidence),
                )
            self._db.execute("DELETE FROM voice WHERE learnt = 'null' AND chosen = 'null'")

    def choose(self, values: Mapping[str, Any]) -> None:
        """Keep what the author made of the lines; one that is not there is as it was learnt."""
        with transaction(self._db):
            lines = self.all()
            self._db.execute("UPDATE voice SET chosen = 'null'")
            for key, value in values.items():
                if key not in lines or lines[key].learnt != value:
                    self._db.execute(
                        "INSERT INTO voice (key, chosen) VALUES (?, ?) ON CONFLICT (key)"
                        " DO UPDATE SET chosen = excluded.chosen",
                        (key, json.dumps(value)),
                    )
            self._db.execute("DELETE FROM voice WHERE learnt = 'null' AND chosen = 'null'")

    def forget(self) -> None:
        """Delete all lines, those that the author chose too."""
        with transaction(self._db):
            self._db.execute("DELETE FROM voice")
