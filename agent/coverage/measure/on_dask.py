"""The workers of a Dask cluster: the one module that imports Dask."""

from __future__ import annotations

import ipaddress
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from copydesk.agent.coverage.measure.shipped import Returned, Send, run_part
from copydesk.agent.errors import CopydeskError
from copydesk.agent.progress import Progress
from copydesk.agent.text import clean, one_line

CONNECT_SECONDS = 10.0
SUBMITS = 3
"""How often a part is handed in. Dask itself gives it to another worker each time one is lost, and
gives up after some (`distributed.scheduler.allowed-failures`, 3)."""

GRACE_SECONDS = 600.0
"""What a part may take besides its tests: waiting for a worker, and unpacking the commit."""

_TAKEN_AWAY = ("released", "waiting", "erred")


class Cluster(NamedTuple):
    """A Dask cluster: how many parts it runs at once, and what has one run."""

    parts: int
    send: Send


@contextmanager
def connected(address: str, say: Progress) -> Iterator[Cluster]:
    """A connection to the scheduler of a Dask cluster, as the user's Dask configuration has it.

    Args:
        address: Such as "tcp://127.0.0.1:8786" or "tls://scheduler:8786", as it was typed.
        say: Told where the connection is open to others.

    Raises:
        CopydeskError: Dask is not installed ("no-dask"), the scheduler does not answer
            ("dask-failed"), or it has no workers ("no-workers").
    """
    try:
        import dask
        from distributed import Client
    except ImportError as error:
        raise CopydeskError(
            "`--dask` needs Dask, which is not installed",
            slug="no-dask",
            hint="pip install 'copydesk[dask]'",
        ) from error
    if not _is_private(address):
        say(
            f"note: {clean(address)} is neither encrypted nor on this machine: whoever can reach"
            " that scheduler can run code on its workers and here (tls:// and Dask's certificates)"
        )
    settings = {"distributed.admin.large-graph-warning-threshold": "1GB"}
    with dask.config.set(settings):
        try:
            client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
        except Exception as error:  # whatever Dask raises for an address, a certificate, a version
            raise _failed(f"{address} does not answer", error) from error
        with client:
            threads = sum(client.nthreads().values())
            if not threads:
                raise CopydeskError(
                    f"the Dask scheduler at {clean(address)} has no workers",
                    slug="no-workers",
                    hint="Start one where the tests can run: dask worker ADDRESS --nthreads 1",
                )

            def send(order: bytes, bundle: bytes, seconds: float) -> Returned:
                return _send(client, order, bundle, seconds)

            yield Cluster(threads, send)


def _send(client: Any, order: bytes, bundle: bytes, seconds: float) -> Returned:
    """Have a worker run a part; again where Dask gives up, for many workers were lost."""
    from distributed import KilledWorker

    lost = 0
    for attempt in range(1, SUBMITS + 1):
        key = f"copydesk-{uuid.uuid4().hex}"
        future = client.submit(run_part, order, bundle, key=key, pure=False)
        try:
            content = future.result(timeout=seconds + GRACE_SECONDS)
        except KilledWorker as error:
            lost += _losses(client, key)
            if attempt == SUBMITS:
                raise _failed(f"{lost} workers were lost over one part", error) from error
        except Exception as error:  # Dask's own, or an import that fails on the worker
            raise _failed("a worker failed", error) from error
        else:
            if not isinstance(content, bytes):
                raise _failed("a worker answered something else than bytes", TypeError())
            return Returned(content, lost + _losses(client, key))
        finally:
            future.release()
    raise AssertionError("not reached")


def _losses(client: Any, key: str) -> int:
    """How often a task was taken from a worker that was lost, as the scheduler has noted it."""
    steps = client.story(key, on_error="ignore")
    # who tells it, the key, from which state, to which
    return sum(
        step[0] == "scheduler" and step[2] == "processing" and step[3] in _TAKEN_AWAY
        for step in steps
    )


def _is_private(address: str) -> bool:
    scheme, separator, rest = address.rpartition("://")
    if separator and scheme in ("tls", "wss"):
        return True
    host = rest.rpartition(":")[0].strip("[]") or rest
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _failed(what: str, error: BaseException) -> CopydeskError:
    reason = one_line(clean(str(error))) or type(error).__name__
    return CopydeskError(
        f"{clean(what)}: {reason[:500]}",
        slug="dask-failed",
        hint="Scheduler and workers need the same copydesk and Dask as here, and what your"
        " configuration of Dask says of certificates (distributed.comm.tls).",
    )
