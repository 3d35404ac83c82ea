"""Parts of a run on other machines: what is sent, what a worker does, and what comes back.

Bytes go, bytes come: an order in JSON with the commit as a git bundle, an answer in JSON with the
recording as `exchange` encodes it. The worker unpacks the commit into a folder of its own, runs the
part in its own sandbox and leaves nothing. What it recorded counts only where the environment is
the same as here.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from copydesk.agent import config
from copydesk.agent.coverage.exchange import (
    decode_recording,
    differing_parts,
    encode_recording,
)
from copydesk.agent.coverage.measure.projects import engine_of
from copydesk.agent.coverage.runner import Engine, Environment, Recording, RunOptions, record_tests
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.bundle import Bundle, pack, unpack
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.configuration import set_config
from copydesk.agent.git.interpreter import ready
from copydesk.agent.git.snapshot import snapshot
from copydesk.agent.process import scratch_folder
from copydesk.agent.progress import Progress, silent
from copydesk.agent.text import clean, one_line

_SETTINGS = (
    *("own_tests", "own_tests_network", "own_tests_paths", "own_tests_variables", "sandbox"),
)
"""What of the user's settings decides how tests run."""

_OPTIONS = ("branch", "files", "conftests", "skipped_tests", "tests", "timeout", "ignored")
SHOWN = 5


class Returned(NamedTuple):
    """What a worker answered, and how often a worker was lost before."""

    content: bytes
    lost: int


Send = Callable[[bytes, bytes, float], Returned]
"""Has a worker run `run_part` with an order and a bundle, within some seconds."""


# --- on the worker ---


def run_part(order: bytes, bundle: bytes) -> bytes:
    """Run one part of a commit's tests here; never raises for what is wrong with them.

    Args:
        order: From `Shipping`.
        bundle: The commit.

    Returns:
        The answer: a line of JSON, and the recording.
    """
    values = json.loads(order)
    try:
        with scratch_folder() as scratch:
            about, recording = _run_in(scratch, values, bundle)
    except CopydeskError as error:
        about, recording = {"error": str(error), "slug": error.slug, "hint": error.hint}, b""
    return json.dumps(about).encode() + b"\n" + recording


def _run_in(
    scratch: Path, values: Mapping[str, Any], bundle: bytes
) -> tuple[dict[str, object], bytes]:
    top = Path(values["worktree"])
    if not top.is_dir():  # that of an editable install, on the machine that sent the order
        top = scratch / "worktree"
        top.mkdir()
    sent = Bundle(bundle, tuple(values["shallow"]))
    repo = unpack(sent, values["sha"], scratch / "commit.git", top)
    python = values["python"] if Path(values["python"]).is_file() else sys.executable
    set_config(repo, config.PERSONAL_KEYS["python"], python)
    personal = dataclasses.replace(config.load_personal(repo)[0], **values["settings"])
    commit = Commit(repo, values["sha"])
    options = RunOptions(**values["options"], compiled_modules=scratch / "compiled")
    with snapshot(repo, commit.sha, entries=commit.checkout.files, asked_by_tests=True) as shot:
        interpreter = ready(repo, values["folder"])
        engine = engine_of(commit, shot, interpreter, values["folder"], personal, silent)
        environment = engine.environment(options.tests)
        about: dict[str, object] = {"environment": environment.fingerprint}
        about |= {"parts": dict(environment.parts), "variables": _variables(engine, repo.desk)}
        if environment.fingerprint != values["environment"]:
            return about, b""
        return about, encode_recording(record_tests(engine, options))


def _variables(engine: Engine, desk: Path) -> dict[str, list[str]]:
    """Of each environment variable its digest, and that of its value wherever the folders lie."""
    places = {str(engine.tree): "<tree>", str(desk): "<desk>"}
    here, anywhere = engine.variable_digests(), engine.variable_digests(places)
    return {name: [digest, anywhere(name)] for name, digest in here.by_name.items()}


# --- here ---


@dataclass(slots=True)
class Shipping:
    """Records parts of a commit's tests on workers, as `record_tests` does here.

    Attributes:
        commit: The commit.
        send: What has a worker run a part.
        say: Told what goes on.
        retries: Which parts were run again, and why.
    """

    commit: Commit
    send: Send
    say: Progress
    retries: list[str]
    _bundle: Bundle | None = None
    _environments: dict[str, Environment] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, engine: Engine, options: RunOptions) -> Recording:
        """Run one part elsewhere; what is only collected is collected here.

        Raises:
            CopydeskError: It cannot be sent, cannot be run, or its environment is another.
        """
        if options.collect_only:
            return record_tests(engine, options)
        bundle, environment = self._prepared(engine, options)
        order = self._order(engine, options, bundle, environment)
        returned = self.send(order, bundle.content, options.timeout)
        if returned.lost:
            name = ", ".join(list(options.files or ["all files"])[:2])
            self.retries.append(f"the part of {name}: a worker was lost ({returned.lost})")
            self.say(self.retries[-1])
        about, recording = _parsed(returned.content)
        _check(about, environment)
        return _with_variables_of(engine, self.commit.repo.desk, decode_recording(recording), about)

    def _prepared(self, engine: Engine, options: RunOptions) -> tuple[Bundle, Environment]:
        """The commit as bytes and the environment of a project, once for all parts."""
        with self._lock:
            if self._bundle is None:
                if self.commit.checkout.beside:
                    raise CopydeskError(
                        "this commit is measured beside submodules or generated files, which are"
                        " in no commit and cannot be sent to workers",
                        slug="not-in-the-commit",
                        hint="`copydesk measure --workers N` runs its tests here.",
                    )
                self._bundle = pack(self.commit.repo, self.commit.sha)
                self.say(f"the commit takes {len(self._bundle.content):,} bytes to each part")
            if engine.folder not in self._environments:
                self._environments[engine.folder] = engine.environment(options.tests)
            return self._bundle, self._environments[engine.folder]

    def _order(
        self, engine: Engine, options: RunOptions, bundle: Bundle, environment: Environment
    ) -> bytes:
        chosen = {name: getattr(options, name) for name in _OPTIONS}
        chosen["skipped_tests"] = sorted(options.skipped_tests)
        personal = config.load_personal(self.commit.repo)[0]
        values = {
            "sha": self.commit.sha,
            "shallow": bundle.shallow,
            "worktree": str(self.commit.repo.worktree),
            "python": str(engine.interpreter.path),
            "folder": engine.folder,
            "environment": environment.fingerprint,
            "settings": {name: getattr(personal, name) for name in _SETTINGS},
            "options": chosen,
        }
        return json.dumps(values).encode()


def _parsed(content: bytes) -> tuple[Mapping[str, Any], bytes]:
    head, _, recording = content.partition(b"\n")
    try:
        about = json.loads(head)
    except (ValueError, RecursionError) as error:
        raise _no_answer() from error
    if not isinstance(about, dict):
        raise _no_answer()
    return about, recording


def _no_answer() -> CopydeskError:
    return CopydeskError("a worker answered what cannot be read", slug="worker-failed")


def _check(about: Mapping[str, Any], environment: Environment) -> None:
    """Refuse an answer that says what went wrong, or comes from another environment."""
    if "error" in about:
        texts = [clean(str(about.get(name, ""))) for name in ("error", "slug", "hint")]
        raise CopydeskError(f"on a worker: {texts[0]}", slug=texts[1], hint=texts[2])
    if about.get("environment") != environment.fingerprint:
        parts = about.get("parts")
        theirs = {str(k): str(v) for k, v in parts.items()} if isinstance(parts, dict) else {}
        names = [one_line(clean(name)) for name in differing_parts(environment.parts, theirs)]
        raise CopydeskError(
            f"a worker's environment is another: {', '.join(names[:SHOWN]) or 'in all'}",
            slug="environment-differs",
            hint="Give the workers the same Python, packages and copydesk settings as here.",
        )


def _with_variables_of(
    engine: Engine, desk: Path, recording: Recording, about: Mapping[str, Any]
) -> Recording:
    """A recording as if made here, where variables differ in nothing but where folders lie.

    What differs in more keeps the worker's value: the test runs again in the next measure.
    """
    theirs = about.get("variables")
    if not isinstance(theirs, dict):
        raise _no_answer()
    renamed = {}
    for name, (digest, anywhere) in _variables(engine, desk).items():
        their_part = theirs.get(name)
        if isinstance(their_part, list) and len(their_part) == 2 and their_part[1] == anywhere:
            renamed["env", f"{name}={their_part[0]}"] = "env", f"{name}={digest}"
    needs = {
        context: frozenset(renamed.get(pair, pair) for pair in pairs)
        for context, pairs in recording.needs.items()
    }
    return dataclasses.replace(recording, needs=needs)
