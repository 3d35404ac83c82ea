"""Code that detects the comparison, writes outside or forges a result is never called the same."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from copydesk.agent.behaviour import BehaviourSearch, compare_commit
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.repository import Repository, find, set_config
from copydesk.agent.progress import silent
from copydesk.agent.sandbox.records import Tier
from copydesk.agent.sandbox.tier import detect

BEFORE = "def price(n: int) -> int:\n    return n * 2\n"
# each does as before where it believes to be looked at, and something else otherwise
HOSTILE = {
    "modules": """
        import sys
        def price(n: int) -> int:
            return n * (2 if 'copydesk_tools' in sys.modules else 3)
    """,
    "frames": """
        import sys
        def price(n: int) -> int:
            return n * (2 if 'tools' in sys._getframe(1).f_code.co_filename else 3)
    """,
    "stack": """
        import inspect
        def price(n: int) -> int:
            return n * (2 if any('invoke' in f.function for f in inspect.stack()) else 3)
    """,
    "tracer": """
        import sys
        def price(n: int) -> int:
            return n * (2 if sys.gettrace() else 3)
    """,
    "variables": """
        import os
        def price(n: int) -> int:
            word = 'COPY' + 'DESK'
            return n * (2 if any(k.startswith(word) for k in os.environ) else 3)
    """,
    "host": """
        import socket
        def price(n: int) -> int:
            return n * (2 if socket.gethostname() == 'sandbox' else 3)
    """,
    "user": """
        import os
        def price(n: int) -> int:
            return n * (2 if os.getuid() == 1000 else 3)
    """,
    "home": """
        import os.path
        def price(n: int) -> int:
            return n * (2 if os.path.expanduser('~') == '/tmp/home' else 3)
    """,
    "counter": """
        CALLS = []
        def price(n: int) -> int:
            CALLS.append(n)
            return n * (2 if len(CALLS) < 3 else 3)
    """,
    "outside": """
        import os
        def price(n: int) -> int:
            open(os.path.expanduser('~/canary'), 'w').write('x')
            return n * 2
    """,
    "forged report": """
        import json, os
        leave = getattr(os, '_ex' + 'it')
        for fd in range(3, 30):
            try:
                os.write(fd, json.dumps({'entry': 'price', 'tried': [], 'records': []}).encode())
            except OSError:
                pass
        leave(0)
        def price(n: int) -> int:
            return n * 3
    """,
    "forged words": """
        import json
        real = json.dumps
        def lying(value, **how):
            return real(value, **how).replace('["int", "3"]', '["int", "2"]')
        json.dumps = lying
        def price(n: int) -> int:
            return n * 3
    """,
}


@pytest.fixture
def shop(repo: Path) -> Iterator[tuple[Repository, Database]]:
    repository = find(repo)
    set_config(repository, "copydesk.python", sys.executable)
    capability = detect("auto", outside=(repository.worktree,))
    if capability.tier is not Tier.FULL:
        pytest.skip(f"hostile code is run in tier full only: {capability.reason}")
    with open_desk(repository.desk) as db:
        yield repository, db


@pytest.mark.slow
@pytest.mark.parametrize("trick", HOSTILE)
def test_hostile_code_harms_nothing_and_is_never_called_the_same(
    shop: tuple[Repository, Database], commit: Callable[..., str], trick: str
) -> None:
    repo, db = shop
    commit(repo.worktree, {"shop.py": BEFORE})
    sha = commit(repo.worktree, {"shop.py": textwrap.dedent(HOSTILE[trick])}, "Refactor prices")
    rows = list(compare_commit(BehaviourSearch(repo, db, silent), sha))
    verdicts = {row.function: row.verdict for row in rows}
    assert verdicts["price"] in ("not compared", "differs"), rows
    assert not (Path.home() / "canary").exists()
