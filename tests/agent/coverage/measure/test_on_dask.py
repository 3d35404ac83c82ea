"""Parts of a run on the workers of a Dask cluster."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from copydesk.agent.coverage.measure import Cluster, connected, on_dask
from copydesk.agent.coverage.measure.shipped import Returned, run_part
from copydesk.agent.coverage.store import Measure, load_totals
from copydesk.agent.desk.database import Database
from copydesk.agent.errors import CopydeskError
from copydesk.agent.progress import silent

CLUSTER = """
import sys
from distributed import LocalCluster

if __name__ == "__main__":
    with LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, preload=[sys.argv[1]]
    ) as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()
"""
KILL_ONE = """
import os, signal
from distributed.diagnostics.plugin import WorkerPlugin

class KillOnce(WorkerPlugin):
    name = "kill-once"

    def transition(self, key, start, finish, **more):
        if finish == "executing" and str(key).startswith("copydesk-"):
            try:
                os.close(os.open({marker!r}, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                return
            os.kill(os.getpid(), signal.SIGKILL)

async def dask_setup(worker):
    await worker.plugin_add(KillOnce())
"""


def lines(desk: Database, done: Measure) -> dict[str, Any]:
    totals = load_totals(desk, done.sha)
    assert totals
    return {t.path: (t.executed, t.arcs, t.statements, t.missing) for t in totals}


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """The scheduler of two workers, of which the first that gets a part is killed."""
    (tmp_path / "kill.py").write_text(KILL_ONE.replace("{marker!r}", repr(str(tmp_path / "dead"))))
    (tmp_path / "cluster.py").write_text(CLUSTER)
    argv = [sys.executable, str(tmp_path / "cluster.py"), str(tmp_path / "kill.py")]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as made:
        assert made.stdout
        yield made.stdout.readline().strip()
        made.communicate()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_measure_on_workers_of_which_one_is_killed_equals_one_here(
    desk: Database, measured: Callable[..., Measure], address: str, tmp_path: Path
) -> None:
    pytest.importorskip("distributed", reason="the extra copydesk[dask] is not installed")
    one = measured(full=True)
    expected = lines(desk, one)
    with connected(address, silent) as cluster:
        assert cluster.parts == 2
        many = measured(full=True, cluster=cluster)
    assert (tmp_path / "dead").exists()
    assert lines(desk, many) == expected
    assert (many.total, many.passed, many.selected) == (one.total, one.passed, one.selected)
    assert "a worker was lost" in many.reason


def here(order: bytes, bundle: bytes, seconds: float) -> Returned:
    """A worker that is this process."""
    return Returned(run_part(order, bundle), 0)


def test_what_travels_by_bytes_is_what_is_measured_here(measured: Callable[..., Measure]) -> None:
    many = measured(full=True, cluster=Cluster(1, here))
    assert (many.total, many.passed, many.executable, many.covered) == (6, 6, 26, 21)
    assert measured().selected == 0  # variables are the same, wherever the trees lie


def answering(**about: Any) -> Cluster:
    return Cluster(1, lambda *_: Returned(json.dumps(about).encode() + b"\n", 0))


def test_what_a_worker_answers_is_refused_where_it_is_another_environments_or_none(
    measured: Callable[..., Measure],
) -> None:
    with pytest.raises(CopydeskError, match="another: configuration, distributions:"):
        measured(cluster=answering(environment="other", parts={"distributions": "evil==1"}))
    with pytest.raises(CopydeskError, match="on a worker: no room"):
        measured(cluster=answering(error="no room", slug="full"))
    for content in (b"", b"[]\n", b"{\n"):
        with pytest.raises(CopydeskError):
            measured(cluster=Cluster(1, lambda *_, content=content: Returned(content, 0)))


def test_a_worker_says_what_is_wrong_with_its_part() -> None:
    order = {"worktree": "/nowhere", "shallow": [], "sha": "1" * 40}
    answer = json.loads(run_part(json.dumps(order).encode(), b"no bundle"))
    assert answer["slug"] == "git-failed"


def test_without_dask_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dask", None)
    with pytest.raises(CopydeskError) as caught, connected("127.0.0.1:1", silent):
        pass
    assert caught.value.slug == "no-dask"
    assert "copydesk[dask]" in caught.value.hint


@pytest.mark.parametrize(
    ("address", "private"),
    [
        ("tcp://127.0.0.1:8786", True),
        ("localhost:8786", True),
        ("tcp://[::1]:8786", True),
        ("tls://scheduler:8786", True),
        ("tcp://10.0.0.3:8786", False),
        ("scheduler:8786", False),
        ("scheduler", False),
    ],
)
def test_an_open_connection_is_named(address: str, private: bool) -> None:
    assert on_dask._is_private(address) is private
