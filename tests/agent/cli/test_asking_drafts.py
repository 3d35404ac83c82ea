"""A draft that asks for the editor's yes, on the command line."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.agent.cli.conftest import EVIDENCE

ASKING = """\
import sys

from prices import label


def test_label_of_0():
    assert len(sys.modules) > 1
    assert label(0) == "free"
"""
FAILING = ASKING.replace('"free"', '"gratis"')
ASKS = ["touches sys.modules"]


@pytest.fixture
def add_asking(add_test: Callable[..., int]) -> Callable[..., str]:
    """Put a draft that asks on the desk."""

    def add(content: str = ASKING, **changes: Any) -> str:
        evidence = EVIDENCE | {"verdict": "asks", "asks": ASKS}
        values = {"state": "asks", "origin": "a-model", "content": content, "evidence": evidence}
        return str(add_test(**values | changes))

    return add


def stored(run: Any, shop: Path, identity: str) -> dict[str, Any]:
    return json.loads(run(shop, "show", identity, "--json").stdout)


def test_lists_and_pages_say_what_it_asks(
    run: Any, shop: Path, add_asking: Callable[..., str]
) -> None:
    identity = add_asking()
    assert "asks: touches sys.modules" in run(shop, "drafts").output
    shown = run(shop, "show", identity).output
    assert "Asks: touches sys.modules." in shown
    assert f"`copydesk accept {identity} --yes`" in shown
    assert "No verified test draft" in run(shop, "accept", "--all-verified").output
    assert run(shop, "accept", "--all-verified", "--yes").exit_code == 2
    assert "`copydesk review` (1 draft)" in run(shop, "status").output


@pytest.mark.parametrize("flags", [(), ("--anyway",), ("--json",)])
def test_without_a_yes_it_is_not_written(
    run: Any, shop: Path, add_asking: Callable[..., str], flags: tuple[str, ...]
) -> None:
    identity = add_asking()
    before = (shop / "test_prices.py").read_text()
    done = run(shop, "accept", identity, *flags)
    assert done.exit_code == 2
    assert f"draft {identity} asks: touches sys.modules" in done.output
    assert "messages.md#needs-yes" in done.output
    assert (shop / "test_prices.py").read_text() == before
    assert stored(run, shop, identity)["state"] == "asks"


def test_a_yes_is_kept_and_the_draft_is_verified_and_written(
    run: Any, shop: Path, add_asking: Callable[..., str]
) -> None:
    identity = add_asking()
    done = run(shop, "accept", identity, "--yes")
    assert done.exit_code == 0, done.output
    draft = stored(run, shop, identity)
    assert (draft["state"], draft["evidence"]["verdict"]) == ("accepted", "verified")
    yes = draft["evidence"]["yes"]
    assert (yes["names"], len(yes["sha256"])) == (ASKS, 64)
    assert yes["by"]
    assert yes["at"]
    assert (
        f"Yes: {yes['by']}, {yes['at']}, to: touches sys.modules."
        in run(shop, "show", identity).output
    )
    assert "sys.modules" in (shop / "test_prices.py").read_text()

    assert "was accepted and is ready again" in run(shop, "undo", identity).output
    assert run(shop, "accept", identity).exit_code == 0  # the yes stands
    run(shop, "undo", identity)
    assert "was ready and is asks again" in run(shop, "undo", identity).output
    assert run(shop, "accept", identity).exit_code == 2


def test_a_draft_that_fails_with_the_yes_is_not_written(
    run: Any, shop: Path, add_asking: Callable[..., str]
) -> None:
    identity = add_asking(FAILING)
    before = (shop / "test_prices.py").read_text()
    done = run(shop, "accept", identity, "--yes")
    assert done.exit_code == 2
    assert "does not pass its check" in done.output
    assert (shop / "test_prices.py").read_text() == before
    assert stored(run, shop, identity)["evidence"]["verdict"] == "failed"


def test_a_changed_draft_asks_again(
    run: Any,
    shop: Path,
    add_asking: Callable[..., str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    identity = add_asking()
    assert run(shop, "accept", identity, "--yes").exit_code == 0
    run(shop, "undo", identity)
    editor = tmp_path / "editor"
    editor.write_text(
        """#!/bin/sh\nsed -i 's/    assert label/    # mine\\n    assert label/' "$1"\n"""
    )
    editor.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(editor))
    done = run(shop, "edit", identity)
    assert done.exit_code == 0, done.output
    assert f"`copydesk accept {identity} --yes` allows that" in done.output
    draft = stored(run, shop, identity)
    assert (draft["state"], draft["evidence"]["verdict"]) == ("asks", "asks")
    assert run(shop, "accept", identity).exit_code == 2


@pytest.mark.parametrize(("answer", "state"), [("y", "accepted"), ("n", "asks")])
def test_review_asks_for_the_yes(
    run: Any, shop: Path, add_asking: Callable[..., str], answer: str, state: str
) -> None:
    identity = add_asking()
    done = run(shop, "review", input=f"a\n{answer}\nq\n")
    assert f"Draft {identity} asks: touches sys.modules" in done.output
    assert stored(run, shop, identity)["state"] == state


def test_accept_asks_at_a_terminal(run: Any, shop: Path, add_asking: Callable[..., str]) -> None:
    identity = add_asking()
    terminal, stdin = pty.openpty()
    os.write(terminal, b"y\n")
    try:
        done = subprocess.run(
            [sys.executable, "-m", "copydesk.agent.cli.main", "accept", identity],
            cwd=shop,
            stdin=stdin,
            capture_output=True,
            text=True,
        )
    finally:
        os.close(stdin)
        os.close(terminal)
    assert done.returncode == 0, done.stderr
    assert "Allow that, in this draft as it is" in done.stdout + done.stderr
    assert stored(run, shop, identity)["state"] == "accepted"
