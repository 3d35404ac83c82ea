"""The tier is found out by running a sandbox, and in doubt there is none."""

from __future__ import annotations

import dataclasses
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from copydesk.agent.records import Interpreter
from copydesk.agent.sandbox import bubblewrap, tier, tier_partial
from copydesk.agent.sandbox.runner import SandboxRunner
from copydesk.agent.sandbox.tier import Tier, detect

Stub = Callable[[str], str]


@pytest.fixture(autouse=True)
def _nothing_weaker(monkeypatch: pytest.MonkeyPatch) -> None:
    """The partial tier has tests of its own."""
    tier._detect.cache_clear()
    monkeypatch.setattr(tier_partial, "missing", lambda: "not here")


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A folder that everybody can reach, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="copydesk-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def stub(reachable: Path) -> Stub:
    """Put a shell script called bwrap into a folder and return the folder."""

    def make(script: str) -> str:
        program = reachable / "bwrap"
        program.write_text("#!/bin/sh\n" + script)
        program.chmod(0o755)
        return str(reachable)

    return make


@pytest.fixture
def real() -> str:
    if detect().tier is not Tier.FULL:
        pytest.skip(detect().reason)
    return str(detect().program)


def test_off_is_what_the_user_asked_for() -> None:
    found = detect("off")
    assert found.tier is Tier.OFF
    assert found.fix == "git config --unset copydesk.sandbox"


def test_a_real_guard_is_found_and_asked_only_once(real: str, python: Interpreter) -> None:
    found = detect("auto", python)
    assert (found.tier, found.fix) == (Tier.FULL, "")
    assert found.reason.startswith("bubblewrap ")
    assert Path(real).is_absolute()
    assert detect("auto", python) is found


def test_without_bubblewrap_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manager = tmp_path / "bin" / "dnf"
    manager.parent.mkdir()
    manager.touch(0o755)
    monkeypatch.setenv("PATH", str(manager.parent))
    found = detect(search=[str(tmp_path), "relative"])
    assert found.tier is Tier.NONE
    assert found.reason.startswith("bubblewrap is not installed; no partial tier either")
    assert found.fix == "sudo dnf install bubblewrap"
    monkeypatch.setenv("PATH", "")
    assert tier.install_command() == ""


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        pytest.param("echo bubblewrap 0.6.1", "is 0.6.1, and 0.8 is needed", id="too old"),
        pytest.param("exit 1", "is of an unknown version", id="says nothing"),
        pytest.param(
            '[ "$1" = --version ] && echo bubblewrap 0.11.0 && exit\n'
            "echo bwrap: setting up uid map: Permission denied >&2; exit 1",
            "the probe sandbox failed: bwrap: setting up uid map: Permission denied",
            id="fails",
        ),
        pytest.param(
            '[ "$1" = --version ] && echo bubblewrap 0.11.0 && exit\nexit 0',
            "the probe sandbox failed: the sandbox ended with code 0, the program not started",
            id="does nothing",
        ),
        pytest.param(
            '[ "$1" = --version ] && echo bubblewrap 0.11.0 && exit\necho ready >&2',
            "the probe sandbox failed: its checks reported nothing",
            id="pretends",
        ),
        pytest.param(
            '[ "$1" = --version ] && echo bubblewrap 0.11.0 && exit\necho ready >&2; exit 4',
            "the probe sandbox failed: ended with 4",
            id="pretends and fails",
        ),
    ],
)
def test_a_bubblewrap_that_does_not_do_means_none(stub: Stub, script: str, reason: str) -> None:
    found = detect(search=[stub(script)])
    assert found.tier is Tier.NONE
    assert reason in found.reason
    assert found.program is None


def test_a_file_that_is_no_program_means_none(stub: Stub) -> None:
    folder = stub("")
    (Path(folder) / "bwrap").write_bytes(b"\0\1\2")
    assert detect(search=[folder]).tier is Tier.NONE


@pytest.mark.parametrize(
    ("dropped", "following", "complaint"),
    [
        pytest.param("--unshare-net", 0, "the network can be reached", id="network"),
        pytest.param("--seccomp", 1, "the system-call filter is not in force", id="filter"),
        pytest.param("--remount-ro", 1, "/ can be written to", id="root file system"),
        pytest.param("--uid", 1, "", id="harmless"),
    ],
)
def test_a_weakened_guard_is_found_out(
    stub: Stub, real: str, dropped: str, following: int, complaint: str
) -> None:
    drop = "shift; left=$((left - 1)); " * following
    folder = stub(
        f'left=$#\nwhile [ "$left" -gt 0 ]; do a=$1; shift; left=$((left - 1))\n'
        f'if [ "$a" = {dropped} ]; then {drop} continue; fi; set -- "$@" "$a"; done\n'
        f'exec {real} "$@"'
    )
    found = detect(search=[folder])
    assert found.tier is (Tier.NONE if complaint else Tier.FULL), found.reason
    assert complaint in found.reason


def test_a_guard_that_shows_the_home_is_found_out(
    stub: Stub, real: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reachable: Path
) -> None:
    home = reachable / "home"
    home.mkdir(mode=0o755)
    monkeypatch.setenv("HOME", str(home))
    folder = stub(
        f'[ "$1" = --version ] && exec {real} --version\n'
        f'left=$#\nwhile [ "$left" -gt 0 ]; do a=$1; shift; left=$((left - 1))\n'
        f'[ "$a" = --chdir ] && set -- "$@" --bind {home} {home}; set -- "$@" "$a"; done\n'
        f'exec {real} "$@"'
    )
    found = detect(search=[folder])
    assert found.tier is Tier.NONE
    assert f"{home} can be seen" in found.reason


def test_an_interpreter_that_does_not_start_means_none(real: str, python: Interpreter) -> None:
    found = detect("auto", dataclasses.replace(python, path=Path("/usr/bin/no-python")))
    assert found.tier is Tier.NONE
    assert "no-python" in found.reason


def test_an_interpreter_around_the_home_means_none(
    real: str, python: Interpreter, monkeypatch: pytest.MonkeyPatch
) -> None:
    around = dataclasses.replace(python, prefix=Path.home().parent)
    found = detect("auto", around)
    assert found.tier is Tier.NONE
    assert f"holds {Path.home()}" in found.reason


def test_a_machine_without_known_system_calls_has_none(
    monkeypatch: pytest.MonkeyPatch, make: Callable[..., SandboxRunner]
) -> None:
    sandbox = make("full")
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    found = detect(search=["/of/riscv"])
    assert found.tier is Tier.NONE
    assert found.reason.startswith("there is no system-call filter for riscv64")
    assert sandbox.run(["true"]).reason == "no system-call filter for riscv64"


def test_another_system_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    found = detect(search=["/of/darwin"])
    assert (found.tier, found.fix) == (Tier.NONE, "")
    assert found.reason.startswith("the full sandbox needs Linux")


@pytest.mark.parametrize(
    ("switch", "value", "command"),
    [
        ("sys/user/max_user_namespaces", "0", "sudo sysctl user.max_user_namespaces=15000"),
        (
            "sys/kernel/unprivileged_userns_clone",
            "0",
            "sudo sysctl kernel.unprivileged_userns_clone=1",
        ),
        ("sys/kernel/apparmor_restrict_unprivileged_userns", "1", "apparmor_parser"),
    ],
)
def test_a_switch_of_the_kernel_names_its_cure(
    tmp_path: Path, switch: str, value: str, command: str
) -> None:
    (tmp_path / switch).parent.mkdir(parents=True)
    (tmp_path / switch).write_text(value + "\n")
    assert command in tier.disabling_switch(tmp_path)[1]
    (tmp_path / switch).write_text("77\n")
    assert tier.disabling_switch(tmp_path) == ("", "")


def test_a_failed_probe_on_a_machine_without_namespaces_names_the_switch(
    stub: Stub, tmp_path: Path, python: Interpreter
) -> None:
    folder = stub('[ "$1" = --version ] && echo bubblewrap 0.9.0 && exit\nexit 1')
    (tmp_path / "sys/user").mkdir(parents=True)
    (tmp_path / "sys/user/max_user_namespaces").write_text("0\n")
    found = tier.probed_capability(Path(folder, "bwrap"), (0, 9, 0), python, tmp_path)
    assert found.reason.startswith("user namespaces are switched off (")
    assert found.fix == "sudo sysctl user.max_user_namespaces=15000"


def test_bubblewrap_is_never_taken_from_a_work_tree(
    stub: Stub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = stub("echo bubblewrap 9.9.9")
    assert bubblewrap.find([folder]) == (Path(folder, "bwrap"), (9, 9, 9))
    assert bubblewrap.find([folder], [Path(folder)]) == (None, ())
    link = tmp_path / "link"
    link.symlink_to(folder)
    assert bubblewrap.find([str(link)], [Path(folder)]) == (None, ())
    monkeypatch.chdir(folder)
    assert bubblewrap.find([folder, ".", ""]) == (None, ())


def test_bubblewrap_is_looked_for_in_the_systems_places_first(
    stub: Stub, monkeypatch: pytest.MonkeyPatch, real: str
) -> None:
    folder = stub("echo bubblewrap 9.9.9")
    monkeypatch.setenv("PATH", folder + os.pathsep + os.environ["PATH"])
    assert bubblewrap.find()[0] == Path(real)


def test_a_bubblewrap_that_hangs_has_no_version(stub: Stub) -> None:
    folder = stub("sleep 60")
    assert bubblewrap.version(Path(folder, "bwrap"), patience=0.2) == ()
