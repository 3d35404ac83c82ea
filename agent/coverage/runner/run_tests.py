"""Running the user's tests in a snapshot, with the probe watching."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from copydesk.agent.coverage import probe
from copydesk.agent.coverage.runner.coverage_py import Engine
from copydesk.agent.coverage.runner.project_config import (
    greenlets,
    has_pytest_configuration_above,
    measures_children,
)
from copydesk.agent.coverage.runner.recording import (
    Recording,
    TestRun,
    in_repository,
    name_in_project,
)
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.missing_modules import install_of
from copydesk.agent.process import ProcessError, scratch_folder
from copydesk.agent.records import Json, TestId
from copydesk.agent.text import clean
from copydesk.agent.untrusted_files import read_untrusted

NOTHING_COLLECTED = 5
"""pytest's exit code when there was no test."""

COMPILED_BYTES = 64 << 20
"""How much room compiled modules may take."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Which tests a run records, and how.

    Attributes:
        branch: Record arcs, not only lines.
        files: The test files to collect, as far as the project's configuration has pytest do so;
            None collects all that it does.
        conftests: Files whose hooks concern all tests, wherever these lie.
        skipped_tests: Tests of these files that need not run.
        tests: What to hand to pytest, for a full run.
        timeout: Seconds.
        compiled_modules: A folder for compiled modules, kept from run to run.
        report: Where the run writes what it has recorded, as it goes on; a temporary file when
            left out. What was written stays there when the run is cut short.
        report_seconds: After how many seconds the report is written on whatever that costs.
        ignored: Folders of the tree that other projects collect.
        collect_only: Collect the tests, and run none.
    """

    branch: bool
    files: Sequence[str] | None = None
    conftests: Sequence[str] = ()
    skipped_tests: Collection[TestId] = ()
    tests: Sequence[str] = ()
    timeout: float = 3600.0
    compiled_modules: Path | None = None
    report: Path | None = None
    report_seconds: float = probe.SECONDS
    ignored: Sequence[str] = ()
    collect_only: bool = False


def record_tests(engine: Engine, options: RunOptions) -> Recording:
    """Run the tests of a tree, all or some, and record what each executes.

    Args:
        engine: The tree and the interpreter.
        options: Which tests, and how.

    Raises:
        CopydeskError: pytest could not run at all; failing tests are no error.
    """
    with scratch_folder() as scratch:
        report = options.report or scratch / "report"
        settings_file = _write_settings(engine, options, scratch, report)
        argv = _argv(engine, scratch, options.tests)
        argv += [f"--ignore={engine.tree / folder}" for folder in options.ignored]
        if options.collect_only:
            argv.append("--collect-only")
        try:
            result = engine.run_tests(
                argv,
                engine.environ() | {probe.VARIABLE: str(settings_file)},
                scratch=scratch,
                timeout=options.timeout,
                writes=_writable_folders(options),
            )
        except ProcessError as error:
            raise _broken(error.reason, error.output, engine) from error
        if options.compiled_modules:
            shrink(options.compiled_modules)
        output = (result.stdout + result.stderr).decode("utf-8", "replace")
        content = read_report(report)
        if "end" not in content or result.returncode not in (0, 1, 2, NOTHING_COLLECTED):
            raise _broken(_how_it_ended(result.returncode), output, engine)
        _check_origin(content.get("strays") or [])
        recording = parse_report(content, result.seconds, output, engine.variable_digests())
        return in_repository(recording, engine.folder) if engine.folder else recording


def _check_origin(strays: Sequence[str]) -> None:
    """Refuse what a run has recorded where code of the working tree ran in it.

    Raises:
        CopydeskError: It did ("worktree-code").
    """
    if strays:
        more = f" and {len(strays) - 1} more" if len(strays) > 1 else ""
        raise CopydeskError(
            f"the tests imported {clean(strays[0])}{more} from the working tree, not from the"
            " commit: what they said is not kept",
            slug="worktree-code",
            hint="Something names that folder in full: PYTHONPATH, a .pth file, a conftest. In the"
            " sandbox it cannot: copydesk config --set own_tests=sandbox",
        )


def _write_settings(engine: Engine, options: RunOptions, scratch: Path, report: Path) -> Path:
    """Write down what the probe is told, and make the folders that it names; returns the file."""
    child_reports, child_data = scratch / "children", scratch / "measured"
    settings = probe.Settings(
        root=str(engine.tree),
        branch=options.branch,
        concurrency=greenlets(engine.home),
        data_file=str(scratch / "coverage"),
        report=str(report),
        report_seconds=options.report_seconds,
        child_reports=str(child_reports),
        child_data=str(child_data) if measures_children(engine.home) else "",
        **engine.default_settings(),
        test_files=None if options.files is None else list(options.files),
        conftests=list(options.conftests),
        skipped_tests=sorted(name_in_project(t, engine.folder) for t in options.skipped_tests),
        compiled_modules=str(options.compiled_modules or ""),
    )
    child_reports.mkdir()
    child_data.mkdir()
    settings_file = scratch / "settings.json"
    settings_file.write_text(settings.to_json())
    return settings_file


def _writable_folders(options: RunOptions) -> list[Path]:
    """The folders outside of the tree that a run writes to, made if need be."""
    folders = []
    if options.compiled_modules:
        folders.append(options.compiled_modules)
    if options.report:
        folders.append(options.report.parent)
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    return folders


def read_report(report: Path) -> Json:
    """What a run has reported, up to its last whole record; empty where there is no report yet."""
    try:
        return probe.read(read_untrusted(report))
    except OSError:
        return {}


def shrink(folder: Path, max_bytes: int = COMPILED_BYTES) -> None:
    """Take the oldest files out of a folder that has grown too big.

    Args:
        folder: Of compiled modules; it need not be there.
        max_bytes: How much it may hold; when it holds more, half of that is left.
    """
    with contextlib.suppress(OSError):
        stats = [(entry.stat(), entry.path) for entry in os.scandir(folder)]
        total = sum(stat.st_size for stat, _ in stats)
        if total <= max_bytes:
            return
        for stat, path in sorted(stats, key=lambda item: (item[0].st_mtime_ns, item[1])):
            if total <= max_bytes // 2:
                break
            Path(path).unlink()
            total -= stat.st_size


def pytest_options(engine: Engine, scratch: Path) -> list[str | Path]:
    """What every run of pytest in a snapshot is told, so that it stays within it.

    Args:
        engine: The tree and the interpreter.
        scratch: A folder for what pytest keeps, and for a configuration where there is none.
    """
    argv: list[str | Path] = ["-q", "--tb=short", "--continue-on-collection-errors"]
    argv += ["-o", f"cache_dir={scratch / 'cache'}", f"--rootdir={engine.home}"]
    if not has_pytest_configuration_above(engine.home, engine.tree):
        # else pytest would look further up, into the worktree around the snapshot
        (scratch / "pytest.ini").write_text("[pytest]\n")
        argv += ["-c", scratch / "pytest.ini", f"--confcutdir={engine.home}"]
    return argv


def _argv(engine: Engine, scratch: Path, tests: Sequence[str]) -> list[str | Path]:
    argv: list[str | Path] = [engine.interpreter.path, "-m", "copydesk_probe"]
    argv += ["-p", "copydesk_probe.plugin"]
    return [*argv, *pytest_options(engine, scratch), *tests]


def _how_it_ended(code: int) -> str:
    signal_number = -code if code < 0 else code - 128  # a shell and the sandbox count from 128 on
    if signal_number == signal.SIGKILL:
        return (
            "pytest was killed: by the kernel for want of memory, or by another process of the"
            " user who runs it"
        )
    return f"pytest ended with exit code {code}"


def _broken(reason: str, output: str, engine: Engine) -> CopydeskError:
    """The error for a suite that did not run, with what to install where a module is missing."""
    tail = clean("\n".join(output.strip().split("\n")[-15:]))
    hint = "Run `python -m pytest` yourself; once it runs, copydesk measures the next commit."
    install = install_of(
        str(engine.interpreter.path), output.split("\n"), lambda: _files(engine.tree)
    )
    if install is not None:
        hint = f"{clean(install.in_words)}. {hint}"
    return CopydeskError(
        f"the test suite cannot be run: {reason}\n{tail}", slug="suite-broken", hint=hint
    )


def _files(tree: Path) -> Iterator[str]:
    """The files of a tree, relative to it."""
    for folder, _, names in os.walk(tree):
        for name in names:
            yield Path(folder, name).relative_to(tree).as_posix()


def parse_report(
    report: Json, seconds: float, output: str, digest_of: Callable[[str], str]
) -> Recording:
    """A run's report as a recording.

    Args:
        report: From `read_report`.
        seconds: How long the run took.
        output: What pytest printed.
        digest_of: The digest of an environment variable, as the tests saw it.
    """
    lines, arcs = _hits(report)
    return Recording(
        {name: _test_run(entry) for name, entry in report["tests"].items()},
        tuple(report["collected"]),
        dict(report["errors"]),
        lines,
        arcs,
        {context: _needs(needs, digest_of) for context, needs in report["needs"].items()},
        seconds,
        report.get("tracer", ""),
        output,
    )


def _test_run(entry: Json) -> TestRun:
    return TestRun(
        entry["outcome"],
        entry.get("seconds", 0.0),
        tuple(entry["fixtures"]),
        tuple(entry["names"]),
        entry.get("message", ""),
    )


def _hits(report: Json) -> tuple[dict[str, dict[str, bytes]], dict[str, dict[str, bytes]]]:
    """Lines and arcs, each by context and path.

    The report has every piece once, as [path, lines, arcs], and their numbers for each context.
    """
    pieces: list[tuple[str, bytes, bytes]] = []
    for path, line_bits, arc_pairs in (piece or ("", "", "") for piece in report["pieces"]):
        pieces.append((path, bytes.fromhex(line_bits), bytes.fromhex(arc_pairs)))
    lines: dict[str, dict[str, bytes]] = {}
    arcs: dict[str, dict[str, bytes]] = {}
    for context, numbers in report["contexts"].items():
        lines[context], arcs[context] = {}, {}
        for path, line_bits, arc_pairs in map(pieces.__getitem__, numbers):
            if path:
                lines[context][path] = line_bits
            if arc_pairs:
                arcs[context][path] = arc_pairs
    return lines, arcs


def _needs(
    needs: Iterable[tuple[str, str]], digest_of: Callable[[str], str]
) -> frozenset[tuple[str, str]]:
    """The dependencies of a context, environment variables with the digest of their value."""
    pairs = set()
    for kind, name in needs:
        pairs.add((kind, f"{name}={digest_of(name)}" if kind == "env" else name))
    return frozenset(pairs)
