"""Sandbox runs that are checkpointed on the desk: after a crash none is repeated."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from copydesk.agent.desk.drafts import Verifications
from copydesk.agent.sandbox.records import USUAL, Limits, Outcome, Surroundings, Tier
from copydesk.agent.sandbox.runner import SandboxRunner
from copydesk.hooks.failpoints import failpoint


@dataclass(frozen=True, slots=True)
class CheckpointedSandbox:
    """A sandbox that does no run of a verification twice.

    Attributes:
        sandbox: What does the runs.
        verifications: Where their outcomes are kept.
        verification: The id of the draft's verification.
    """

    sandbox: SandboxRunner
    verifications: Verifications
    verification: int

    @property
    def tier(self) -> Tier:
        """The sandbox's."""
        return self.sandbox.tier

    def run(
        self,
        argv: Sequence[str],
        *,
        files: Mapping[str, str] | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        limits: Limits | None = None,
        surroundings: Surroundings = USUAL,
    ) -> Outcome:
        """As SandboxRunner.run, or what came of the very same run before."""
        parts = [str(self.tier), list(argv), dict(files or {}), dict(env or {}), surroundings.user]
        request = _digest([*parts, str(surroundings.folder)], stdin)
        earlier = self.verifications.outcome(self.verification, request)
        if earlier is not None:
            return _unpack(earlier)
        number = self.verifications.count_runs(self.verification) + 1
        failpoint(f"climb.begun-{number}")
        outcome = self.sandbox.run(
            argv, files=files, env=env, stdin=stdin, limits=limits, surroundings=surroundings
        )
        if outcome.ended != "not run":
            self.verifications.add_run(self.verification, request, _pack(outcome))
        failpoint(f"climb.stored-{number}")
        return outcome


def _digest(parts: list[object], stdin: bytes) -> str:
    """SHA-256 of what is to be run."""
    text = json.dumps([*parts, stdin.decode("latin-1")], sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _pack(outcome: Outcome) -> bytes:
    """An outcome as compressed JSON, its report as base64."""
    fields = asdict(replace(outcome, report=b""))
    fields["report"] = base64.b64encode(outcome.report).decode()
    return zlib.compress(json.dumps(fields).encode())


def _unpack(packed: bytes) -> Outcome:
    fields = json.loads(zlib.decompress(packed))
    fields["tier"] = Tier(fields["tier"])
    fields["report"] = base64.b64decode(fields["report"])
    return Outcome(**fields)
