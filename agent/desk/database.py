"""The open database of a desk, and the classes that own its tables."""

from __future__ import annotations

from copydesk.agent.desk.connection import Connection


class Database(Connection):
    """An open desk: `open_desk` gives one, in autocommit mode; write inside `transaction`.

    Each property is the class that runs all SQL of a family of tables. It is given this
    connection, so that its statements are part of a transaction that is open here.
    """
