"""How likely the editor is to accept each waiting draft, and in which order to show them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from copydesk.agent.desk.database import Database
from copydesk.agent.desk.predictions import Prediction
from copydesk.agent.records import Draft, Sha
from copydesk.predictor.draft_acceptance import Chance, Decision, chances

EXPLORED = 0.1
"""The share of drafts that stand in the queue at random.

Without them the log could not be trained on: what is shown last is decided on least, and the
chance of a draft would confirm itself.
"""


class Place(NamedTuple):
    """A draft's place in the queue, from 1, and whether it was dealt by chance alone."""

    number: int
    explored: bool


def score(db: Database) -> dict[int, Chance]:
    """Score the drafts that wait, and keep what was said. By draft id."""
    found = _scored(db)
    _keep(db, found)
    return {one.draft.id: one.chance for one in found}


def ordered(db: Database, waiting: Sequence[Draft], *, keep: bool = False) -> list[Draft]:
    """Drafts as the editor should see them: the likeliest to be accepted first, a tenth at random.

    Args:
        db: The desk.
        waiting: Which drafts.
        keep: Keep the order with the scores. Who only looks keeps nothing: it would have to wait
            for whoever writes.
    """
    found = _scored(db)
    if keep:
        _keep(db, found)
    places = {one.draft.id: one.place.number for one in found}
    return sorted(waiting, key=lambda draft: (places.get(draft.id, len(places) + 1), draft.id))


class _Scored(NamedTuple):
    draft: Draft
    inputs: dict[str, float]
    chance: Chance
    place: Place


def _keep(db: Database, found: Sequence[_Scored]) -> None:
    by_commit: dict[Sha, list[Prediction]] = {}
    for draft, inputs, chance, place in found:
        seen = inputs | {"place": float(place.number), "explored": float(place.explored)}
        said = Prediction(
            str(draft.id), chance.probability, chance.in_force, "", chance.reasons, seen
        )
        by_commit.setdefault(draft.commit, []).append(said)
    for commit, listed in by_commit.items():
        db.predictions.store("draft", commit, listed)


def _scored(db: Database) -> list[_Scored]:
    waiting = db.drafts.find()
    if not waiting:
        return []
    prompts = db.model_calls.prompt_versions()
    described = [(_group(d, prompts), inputs_of(d)) for d in waiting]
    found = chances(described, _decisions(db, prompts))
    places = queued({d.id: chance.probability for d, chance in zip(waiting, found, strict=True)})
    return [
        _Scored(draft, inputs, chance, places[draft.id])
        for draft, (_, inputs), chance in zip(waiting, described, found, strict=True)
    ]


def queued(chances: Mapping[int, float]) -> dict[int, Place]:
    """The place of each draft, by id, given its chance.

    Whether a draft is dealt by chance alone, and where to, follows from its id: the order is the
    same each time it is asked for.
    """
    ranked = sorted(chances, key=lambda number: (-chances[number], number))
    dealt = {number: _drawn(number, "where") for number in ranked if _is_dealt(number)}
    kept = [number for number in ranked if number not in dealt]
    for number in sorted(dealt):
        kept.insert(int(dealt[number] * (len(kept) + 1)), number)
    return {number: Place(i, number in dealt) for i, number in enumerate(kept, 1)}


def _is_dealt(number: int) -> bool:
    return _drawn(number, "whether") < EXPLORED


def _drawn(number: int, what: str) -> float:
    """A number from 0 to 1 that is as good as random, and the same each time."""
    raw = hashlib.sha256(f"{what} {number}".encode()).digest()
    return int.from_bytes(raw[:8], "big") / 2**64


def inputs_of(draft: Draft) -> dict[str, float]:
    """What a draft's evidence says of it, as numbers."""
    evidence = draft.evidence
    killed, total = evidence.get("mutants_killed", 0), evidence.get("mutants_total", 0)
    return {
        "tests": float(len(evidence.get("tests", ()))),
        "lines_gained": float(len(evidence.get("gained_lines", ()))),
        "mutants_killed": float(killed),
        "mutants_survived": float(total - killed),
        "recorded": float(len(evidence.get("recorded", ()))),
        "lines": float(draft.content.count("\n")),
    }


def _decisions(db: Database, prompts: dict[int, str]) -> list[Decision]:
    decided = db.drafts.find(("accepted", "rejected"))
    last_decisions = db.drafts.last_decisions()
    decided.sort(key=lambda draft: last_decisions.get(draft.id, 0))
    return [Decision(_group(d, prompts), inputs_of(d), d.state == "accepted") for d in decided]


def _group(draft: Draft, prompts: dict[int, str]) -> str:
    calls = draft.evidence.get("calls", ())
    prompt = next((prompts[c] for c in calls if prompts.get(c)), "")
    return "/".join(filter(None, (draft.kind, draft.origin, prompt)))
