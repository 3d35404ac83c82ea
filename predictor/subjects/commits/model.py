"""The commits model on disk, and the prior that comes with copydesk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from copydesk.predictor.core import model_files
from copydesk.predictor.core.errors import PredictorError
from copydesk.predictor.core.model_card import markdown
from copydesk.predictor.core.prior import Prior
from copydesk.predictor.subjects.commits.train import PRIOR, Row, Trained

SUBJECT = "commits"


@cache
def shipped_prior() -> Prior:
    """The prior that comes with copydesk; prior.card.json beside it says where it is from."""
    return Prior.from_json(_shipped_text("prior.json"))


@cache
def shipped() -> Trained:
    """The model of a project that has not trained one: the shipped prior alone."""
    card = json.loads(_shipped_text("prior.card.json"))
    return Trained(PRIOR, shipped_prior(), None, card)


def _shipped_text(name: str) -> str:
    path = resources.files("copydesk.predictor").joinpath("subjects", "commits", name)
    return path.read_text("utf-8")


def save(folder: Path, trained: Trained) -> Trained:
    """Write a model; the same with its card as written.

    Raises:
        PredictorError: The folder cannot be written.
    """
    card = model_files.save(
        folder, trained.prior.to_json(), trained.residual, trained.card, markdown(trained.card)
    )
    return Trained(trained.in_force, trained.prior, trained.residual, card)


def load(folder: Path) -> Trained:
    """Read what `save` wrote.

    Raises:
        PredictorError: There is none, or a file is damaged or foreign.
    """
    stored = model_files.load(folder, SUBJECT)
    try:
        prior = Prior.from_json(json.dumps(stored.prior))
        in_force = str(stored.card["in_force"])
    except (ValueError, KeyError) as error:
        raise PredictorError(f"{folder}: {error}; train again") from error
    return Trained(in_force, prior, stored.residual, stored.card)


def identity(trained: Trained) -> str:
    """One SHA-256 for the whole model: of the hashes of its files, by name."""
    listed = json.dumps(trained.card["sha256"], sort_keys=True)
    return hashlib.sha256(listed.encode()).hexdigest()


def read_rows(path: Path) -> list[Row]:
    """Read rows from JSON lines, as `copydesk train --rows` writes them.

    Raises:
        PredictorError: With the line that is wrong.
    """
    rows: list[Row] = []
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise PredictorError(f"{path}: cannot be read: {error}") from error
    for number, line in enumerate(lines, 1):
        try:
            rows.append(_row(json.loads(line)))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise PredictorError(f"{path}, line {number}: no row of changes: {error!r}") from error
    return rows


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """Write rows as JSON lines: time and fix in Unix seconds, inputs by name.

    Raises:
        PredictorError: The file cannot be written.
    """
    try:
        path.write_text("".join(json.dumps(row._asdict()) + "\n" for row in rows), "utf-8")
    except OSError as error:
        raise PredictorError(f"{path}: cannot be written: {error}") from error


def _row(record: dict[str, Any]) -> Row:
    fixed = record["fixed_at"]
    inputs = {str(k): None if v is None else float(v) for k, v in record["inputs"].items()}
    return Row(float(record["time"]), inputs, None if fixed is None else float(fixed))


def prior_card(prior: Prior, sources: Sequence[tuple[str, Sequence[Row]]]) -> dict[str, Any]:
    """The card of a prior fitted on several histories, as `train --prior` writes it."""
    return {
        "subject": SUBJECT,
        "title": "A prior for changed functions",
        "predicts": "The chance that a later commit fixes a defect in a function as a commit"
        " left it.",
        "about": {
            name: f"{len(rows):,} changed functions,"
            f" {sum(r.fixed_at is not None for r in rows):,} of them defective"
            for name, rows in sources
        },
        "figures": {},
        "in_force": PRIOR,
        "why": ["fitted on these histories; test it on others with make bench-predictor"],
        "limits": ["Rows of the last 365 days of each history are left out."],
        "inputs": list(prior.names),
    }
