"""A model on disk: a folder with prior.json, residual.cbm where there is one, and card.json.

The card holds the SHA-256 of the others, checked before CatBoost's native code sees a byte.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

from copydesk.predictor.core.errors import PredictorError
from copydesk.predictor.core.residual_model import Residual

PRIOR, RESIDUAL, CARD, PAGE = "prior.json", "residual.cbm", "card.json", "card.md"
FORMAT = "copydesk-model-1"
_LIMIT = 64 << 20


class Stored(NamedTuple):
    """What a folder held: the prior's JSON, the trees where there are any, the card."""

    prior: dict[str, Any]
    residual: Residual | None
    card: dict[str, Any]


def save(
    folder: Path, prior: dict[str, Any], residual: Residual | None, card: dict[str, Any], page: str
) -> dict[str, Any]:
    """Write a model; the card last, so that a reader never finds half of one.

    Returns:
        The card with its format and hashes.

    Raises:
        PredictorError: The folder cannot be written.
    """
    files = {PRIOR: (json.dumps(prior, indent=2) + "\n").encode()}
    if residual is not None:
        files[RESIDUAL] = residual.to_bytes()
    hashes = {name: hashlib.sha256(raw).hexdigest() for name, raw in files.items()}
    written = card | {"format": FORMAT, "sha256": hashes}
    files[PAGE] = page.encode()
    files[CARD] = (json.dumps(written, indent=2, ensure_ascii=False) + "\n").encode()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, raw in files.items():
            part = folder / f"{name}.part"
            part.write_bytes(raw)
            part.replace(folder / name)
        if residual is None:
            (folder / RESIDUAL).unlink(missing_ok=True)
    except OSError as error:
        raise PredictorError(f"{folder}: cannot be written: {error.strerror}") from error
    return written


def load(folder: Path, subject: str) -> Stored:
    """Read a model that `save` wrote.

    Args:
        folder: Where it is.
        subject: What it must be about: commits or market.

    Raises:
        PredictorError: There is none, it is about something else, or a file is damaged or not
            the one its card was made for.
    """
    card, hashes = _load_card(folder, subject)
    files = {name: _checked(folder / name, str(digest)) for name, digest in hashes.items()}
    try:
        prior: dict[str, Any] = json.loads(files[PRIOR])
    except (KeyError, ValueError) as error:
        raise PredictorError(
            f"{folder / PRIOR} does not hold the weights of a model ({error}); {_again(subject)}"
        ) from error
    trees = Residual.from_bytes(files[RESIDUAL]) if RESIDUAL in files else None
    return Stored(prior, trees, card)


def _load_card(folder: Path, subject: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The card of a model and the hashes it gives of the other files."""
    try:
        card = json.loads(_read(folder / CARD))
        file_format, card_subject, hashes = card["format"], card["subject"], dict(card["sha256"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PredictorError(
            f"{folder}: no model ({error}); make one with: copydesk train --subject {subject}"
        ) from error
    if file_format != FORMAT or card_subject != subject:
        raise PredictorError(
            f"{folder / CARD} is the card of a {card_subject!r} model in format {file_format!r};"
            f" needed is a {subject!r} model in format {FORMAT!r}"
        )
    return card, hashes


def _again(subject: str) -> str:
    return f"train it again: copydesk train --subject {subject}"


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        raw = file.read(_LIMIT + 1)
    if len(raw) > _LIMIT:
        raise ValueError(f"{path.name} is larger than a model of copydesk's")
    return raw


def _checked(path: Path, digest: str) -> bytes:
    """The content of a model's file, if it is the one that its card was made for."""
    if path.name not in (PRIOR, RESIDUAL):
        raise PredictorError(f"the model's card names {path.name}, which is no file of a model")
    try:
        raw = _read(path)
    except (OSError, ValueError) as error:
        raise PredictorError(f"{path}: cannot be read ({error}); train the model again") from error
    if hashlib.sha256(raw).hexdigest() != digest:
        raise PredictorError(f"{path} is not the file its card was made for; train the model again")
    return raw
