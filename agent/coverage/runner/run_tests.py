"""Running the user's tests in a snapshot, with the probe watching."""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from copydesk.agent.coverage import probe
from copydesk.agent.coverage.runner.coverage_py import Engine
from copydesk.agent.coverage.runner.project_config import (
    has_pytest_configuration,
    measures_children,
)
from copydesk.agent.errors import CopydeskError
from copydesk.agent.process import ProcessError
from copydesk.agent.records import Json, TestId
from copydesk.agent.text import clean

NOTHING_COLLECTED = 5
"""pytest's exit code when there was no test."""

BYTECODE_BYTES = 64 << 20
"""How much room compiled modules may take."""


@dataclass(frozen=True, slots=True)
class TestRun:
    """How one test went. `names` are the fixtures it asks for, by name."""

    __test__ = False  # a record, not a test class

    outcome: str
    seconds: float
    fixtures: tuple[str, ...]
    names: tuple[str, ...]
    message: str = ""


@dataclass(frozen=True, slots=True)
class Recording:
    """What the probe saw of one pytest run.

    `lines` (numbits) and `arcs` (as `map.pack_arcs` has them) are by context and path, `needs` by
    context.
    """

    tests: dict[TestId, TestRun]
    collected: tuple[TestId, ...]
    errors: dict[str, str]
    lines: dict[str, dict[str, bytes]]
    arcs: dict[str, dict[str, bytes]]
    needs: dict[str, frozenset[tuple[str, str]]]
    seconds: float
    tracer: str
    output: str = field(repr=False, default="")


def collect(
    engine: Engine,
    *,
    files: Sequence[str] | None,
    carried: Iterable[TestId],
    branch: bool,
    bytecode: Path | None = None,
    tests: Sequence[str] = (),
    timeout: float = 3600.0,
    stream: Path | None = None,
    every: float = probe.SECONDS,
) -> Recording:
    """Run the tests of a tree, all or some, and record what each executes.

    Args:
        engine: The tree and the interpreter.
        files: The test files to collect; None collects as the project's configuration says.
        carried: Tests that need not run again.
        branch: Record arcs, not only lines.
        bytecode: A folder for compiled modules, kept from run to run.
        tests: What to hand to pytest when `files` is None.
        timeout: Seconds.
        stream: Where the run says what it has recorded, as it goes on; a temporary file when left
            out. What it had said stays there when it is cut short.
        every: How many seconds lie between two words at least.

    Raises:
        CopydeskError: pytest could not run at all; failing tests are no error.
    """
    with tempfile.TemporaryDirectory(prefix="copydesk-") as folder:
        scratch = Path(folder)
        report = stream or scratch / "report"
        settings = probe.Settings(
            root=str(engine.tree),
            branch=branch,
            data_file=str(scratch / "coverage"),
            report=str(report),
            report_seconds=every,
            child_reports=str(scratch / "children"),
            child_data=str(scratch / "measured") if measures_children(engine.tree) else "",
            **engine.defaults(),
            test_files=None if files is None else list(files),
            skipped_tests=sorted(carried),
            compiled_modules=str(bytecode) if bytecode else "",
        )
        (scratch / "children").mkdir()
        (scratch / "measured").mkdir()
        writes = [*([bytecode] if bytecode else []), *([stream.parent] if stream else [])]
        for path in writes:
            path.mkdir(parents=True, exist_ok=True)
        (scratch / "settings.json").write_text(settings.to_json())
        argv = _argv(engine, scratch, tests if files is None else ())
        env = engine.environ() | {probe.VARIABLE: str(scratch / "settings.json")}
        try:
            result = engine.run_tests(argv, env, scratch=scratch, timeout=timeout, writes=writes)
        except ProcessError as error:
            raise _broken(error.reason, error.output) from error
        if bytecode:
            shrink(bytecode)
        said = (result.stdout + result.stderr).decode("utf-8", "replace")
        told = heard(report)
        if "end" not in told or result.returncode not in (0, 1, 2, NOTHING_COLLECTED):
            raise _broken(_how_it_ended(result.returncode), said)
        return recorded(told, result.seconds, said, engine.variables())


def heard(stream: Path) -> Json:
    """What a stream says, up to its last whole record."""
    try:
        return probe.read(stream.read_bytes())
    except FileNotFoundError:
        return {}


def shrink(bytecode: Path, most: int = BYTECODE_BYTES) -> None:
    """Take the oldest out of a folder of compiled modules that has grown too big.

    Args:
        bytecode: The folder; it need not be there.
        most: Bytes that it may have; when it has more, half of that is left.
    """
    with contextlib.suppress(OSError):
        found = [(e.stat().st_mtime_ns, e.stat().st_size, e.path) for e in os.scandir(bytecode)]
        size = sum(entry[1] for entry in found)
        for _, mine, path in sorted(found) if size > most else ():
            if size <= most // 2:
                break
            Path(path).unlink()
            size -= mine


def pytest_options(engine: Engine, scratch: Path) -> list[str | Path]:
    """What every run of pytest in a snapshot is told, so that it stays within it.

    Args:
        engine: The tree and the interpreter.
        scratch: A folder for what pytest keeps, and for a configuration where there is none.
    """
    argv: list[str | Path] = ["-q", "--tb=short", "--continue-on-collection-errors"]
    argv += ["-o", f"cache_dir={scratch / 'cache'}", f"--rootdir={engine.tree}"]
    if not has_pytest_configuration(engine.tree):
        # else pytest would look further up, into the worktree around the snapshot
        (scratch / "pytest.ini").write_text("[pytest]\n")
        argv += ["-c", scratch / "pytest.ini", f"--confcutdir={engine.tree}"]
    return argv


def _argv(engine: Engine, scratch: Path, tests: Sequence[str]) -> list[str | Path]:
    argv: list[str | Path] = [
        engine.interpreter.path,
        "-m",
        "pytest",
        "-p",
        "copydesk_probe.plugin",
    ]
    return [*argv, *pytest_options(engine, scratch), *tests]


def _how_it_ended(code: int) -> str:
    number = -code if code < 0 else code - 128  # a shell and the sandbox count from 128 on
    if number == signal.SIGKILL:
        return (
            "pytest was killed: by the kernel for want of memory, or by another process of the"
            " user who runs it"
        )
    return f"pytest ended with exit code {code}"


def _broken(reason: str, output: str) -> CopydeskError:
    tail = clean("\n".join(output.strip().splitlines()[-15:]))
    return CopydeskError(
        f"the test suite cannot be run: {reason}\n{tail}",
        slug="suite-broken",
        hint="Run `python -m pytest` yourself; copydesk measures the next commit that runs.",
    )


def recorded(
    report: Json, seconds: float, output: str, variables: Callable[[str], str]
) -> Recording:
    """What the probe said, taken apart.

    Args:
        report: What it said.
        seconds: How long the run took.
        output: What pytest printed.
        variables: A name for the value of an environment variable, as the tests saw it.
    """
    tests = {
        name: TestRun(
            entry["outcome"],
            entry.get("seconds", 0.0),
            tuple(entry["fixtures"]),
            tuple(entry["names"]),
            entry.get("message", ""),
        )
        for name, entry in report["tests"].items()
    }
    pieces = [
        (path, bytes.fromhex(bits), bytes.fromhex(pairs)) if path else None
        for path, bits, pairs in (piece or ("", "", "") for piece in report["pieces"])
    ]
    lines: dict[str, dict[str, bytes]] = {}
    arcs: dict[str, dict[str, bytes]] = {}
    for context, numbers in report["contexts"].items():
        mine = [piece for piece in map(pieces.__getitem__, numbers) if piece]
        lines[context] = {path: bits for path, bits, _ in mine}
        arcs[context] = {path: pairs for path, _, pairs in mine if pairs}
    needs = {
        context: frozenset(
            (kind, f"{name}={variables(name)}" if kind == "env" else name) for kind, name in found
        )
        for context, found in report["needs"].items()
    }
    return Recording(
        tests, tuple(report["collected"]), dict(report["errors"]),
        lines, arcs, needs, seconds, report.get("tracer", ""), output,
    )  # fmt: skip
