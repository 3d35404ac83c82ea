"""Five hundred strings of control, bidi and zero-width characters, through every output."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from copydesk.agent.coverage.measure.commit import measure
from copydesk.agent.daemon.log import daemon_logger
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.drafts import Decision
from copydesk.agent.desk.store import open_desk, transaction
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.repository import Repository, commit_info, find, set_config
from copydesk.agent.records import Draft, Target

UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
COUNT = 500
BAD = [
    chr(code)
    for code in (*range(1, 0x3000), *range(0xD800, 0xD810), *range(0xE000, 0xE010),
                 *range(0xFEF0, 0x10000), *range(0x1BCA0, 0x1BCA4), *range(0xE0000, 0xE0080))
    if unicodedata.category(chr(code)) in UNSAFE
]  # fmt: skip
SEQUENCES = (
    *("\x1b[31m", "\x1b]8;;http://x\x07", "\x1b]52;c;eA==\x07", "\x9b2J", "\r", "\b\b\b", "\u2028"),
    *("\u202e", "\u2066x\u2069", "\u200b", "\ufeff", "\x7f", "\u00ad", "\u200d"),
)


def strings() -> list[str]:
    """The same five hundred each time; together they hold every character of BAD."""
    chance = random.Random(11)
    chance.shuffle(BAD)
    found = []
    for number in range(COUNT):
        mine = BAD[number * len(BAD) // COUNT : (number + 1) * len(BAD) // COUNT]
        parts = [*mine, chance.choice(SEQUENCES), f"w{number}", chance.choice(SEQUENCES), "é"]
        chance.shuffle(parts)
        found.append("".join(parts))
    return found


def raw(text: str) -> set[str]:
    return {c for c in text if unicodedata.category(c) in UNSAFE and c not in "\n\t"}


def stored(text: str) -> str:
    """As SQLite and git can hold it: lone surrogates are not text."""
    return text.encode("utf-8", "replace").decode()


@pytest.fixture
def odd(repo: Path) -> Repository:
    """A measured repository in which everything that can be named is named so."""
    made = [stored(text) for text in strings()]
    parts = []
    for number, text in enumerate(made):
        data = text.replace("\n", "").encode()
        name = "'" + text.replace("\0", "").replace("/", "").replace("'", "")[:60] + f"{number}'"
        who = "".join(c for c in text if c not in "<>\n\0")
        path = name.encode().replace(b"\\", b"").replace(b'"', b"").replace(b"\n", b"")
        body = f"def f{number}():\n    return {number}\n".encode()
        parts.append(
            b"commit refs/heads/main\nauthor " + who.encode() + b" <a@b> 1 +0000\n"
            b"committer C <a@b> 1 +0000\ndata %d\n%s\n"
            % (len(data), data)
            + (b"from refs/heads/main^0\n" if number == 0 else b"")
            + b'M 100644 inline "%s.py"\n' % path.strip(b"'")
            + b"data %d\n%s\n" % (len(body), body)
        )
    test = b"def test_it():\n    assert True\n"
    parts.append(b"M 100644 inline test_it.py\ndata %d\n%s\n" % (len(test), test))
    subprocess.run(
        ["git", "fast-import", "--quiet", "--force"], cwd=repo, input=b"".join(parts), check=True
    )
    for number, text in enumerate(made[:150]):  # names of branches may hold no control characters
        name = "".join(c for c in text if ord(c) > 0x9F and c not in "\u2028\u2029")
        ref = f"refs/heads/b{number}{name}"
        subprocess.run(["git", "update-ref", ref, "main"], cwd=repo, check=True)
    found = find(repo)
    set_config(found, "copydesk.python", sys.executable)
    set_config(found, "copydesk.sandbox", "off")
    set_config(found, "copydesk.ownTests", "plain")
    head = subprocess.check_output(["git", "rev-parse", "main"], cwd=repo, text=True).strip()
    subprocess.run(["git", "reset", "-q", "--hard"], cwd=repo, check=True)
    say = daemon_logger(found.desk).info
    with open_desk(found.desk) as db:
        measure(db, Commit(found, head), say=say)
        fill(db, found, head, made)
    for text in strings():
        say(text)
    return found


def fill(db: object, found: Repository, head: str, made: list[str]) -> None:

    assert isinstance(db, Database)
    with transaction(db):
        for number, text in enumerate(made):
            identity = db.drafts.add(Draft(
                id=0, kind="test" if number % 2 else "devlog", commit=head, title=text, origin=text,
                path=text, content=f"{text}\n\t{text}\n", state="ready",
                target=Target(text, text, (1, 2)) if number % 2 else Target("", str(number), ()),
                evidence={"verdict": "verified", "tier": text, "tests": [text], "notes": [text],
                          "rungs": [{"name": text, "passed": True, "detail": text}],
                          "survivors": [text]},
            ))  # fmt: skip
            if number % 5 == 0:
                db.drafts.decide(db.drafts.get(identity), Decision("reject", "rejected", why=text))
            db.execute(
                "INSERT INTO model_calls (purpose, model, digest, prompt, response, options,"
                " seconds, outcome, called_at) VALUES (?, ?, 'd', ?, ?, '{}', 1.0, ?, '2026')",
                (text, text, text, text, text),
            )
            db.jobs.enqueue("measure", text)
        for _ in range(COUNT):
            job = db.jobs.lease()
            assert job
            db.jobs.fail(job, f"{job.sha}\n{job.sha}", final=True)


def test_none_of_them_reaches_an_output_raw(
    odd: Repository, run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    top = odd.worktree
    subject = commit_info(odd, head_of(top)).subject
    assert raw(subject), "what goes in has to be raw"
    commands = [
        *(["status"], ["gaps"], ["drafts"], ["drafts", "--all"], ["coverage"], ["doctor"]),
        *(["log"], ["log", "--limit", "1000"], ["log", "--model", "--limit", "1000"]),
        *(["report"], ["report", "--format", "md"], ["report", "--format", "html"], ["gate"]),
        *(["config"], ["backup", "--list"], ["daemon", "logs", "-n", "2000"]),
        ["gate", "--base", "HEAD~3"],
        *(["show", str(number)] for number in range(1, COUNT, 9)),
    ]  # fmt: skip
    said = 0
    for words in commands:
        result = run(top, *words)
        text = result.output
        assert result.exit_code in (0, 1), (words, text)
        left = raw(text)
        assert not left, (words, sorted(map(ascii, left))[:5])
        said += text.count("\\x") + text.count("\\u")
    assert said > COUNT
    for words in (["status"], ["gaps"], ["drafts"], ["log"], ["report", "--format", "json"]):
        result = run(top, *words, *([] if "json" in words else ["--json"]))
        text = result.output
        assert not raw(text), words
        json.loads(text)
    assert not raw((odd.desk / "daemon.log").read_text("utf-8"))
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True, raising=False)
    for number in (1, 3):  # on a terminal; a file gets the story as it is
        assert not raw(run(top, "export", str(number), "--to", "devlog").output)


def head_of(top: Path) -> str:
    return subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=top, text=True).strip()
