"""The open database of a desk."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any


class Database:
    """An open desk: `open_desk` gives one, in autocommit mode; write inside `transaction`.

    Args:
        connection: The connection to `<desk>/desk.db`, with its pragmas set.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self.connection.in_transaction

    def execute(self, sql: str, parameters: Any = ()) -> sqlite3.Cursor:
        """Run one statement."""
        return self.connection.execute(sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Any]) -> sqlite3.Cursor:
        """Run one statement for each row of parameters."""
        return self.connection.executemany(sql, parameters)
