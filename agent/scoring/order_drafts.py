"""How likely the editor is to accept each waiting draft, and in which order to show them.

First comes what closes most risk: drafts for what the last commit changed, then by the chance of
acceptance, the risk of the function and the lines gained; stories behind tests, and last what
failed its check.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from copydesk.agent.desk.database import Database
from copydesk.agent.desk.gaps import Weight
from copydesk.agent.desk.history import Prediction
from copydesk.agent.records import Draft, Sha
from copydesk.predictor.draft_acceptance import Chance, Decision, chances

EXPLORED = 0.1
"""The share of drafts that stand in the queue at random.

Without them the log could not be trained on: what is shown last is decided on least, and the
chance of a draft would confirm itself.
"""


class QueuePlace(NamedTuple):
    """A draft's place in the queue, from 1, and whether it stands there at random."""

    number: int
    explored: bool


class DraftValue(NamedTuple):
    """What a draft is worth to the editor, as far as its place in the queue goes."""

    failed: bool
    just_changed: bool
    is_test: bool
    risk_closed: float
    chance: float

    @property
    def key(self) -> tuple[float, ...]:
        """A key for sorting, the most valuable first."""
        return (
            self.failed,
            not self.just_changed,
            not self.is_test,
            -self.risk_closed,
            -self.chance,
        )


def score(db: Database) -> dict[int, Chance]:
    """Score the drafts that wait, and keep the scores.

    Returns:
        The chance of acceptance by draft id.
    """
    scored = _score_waiting(db)
    _keep(db, scored)
    return {each.draft.id: each.chance for each in scored}


def ordered(db: Database, waiting: Sequence[Draft], *, keep: bool = False) -> list[Draft]:
    """Drafts as the editor should see them: what closes most risk first, a tenth at random.

    Tests of what a commit made a function do otherwise stand before all others.

    Args:
        db: The desk.
        waiting: Which drafts.
        keep: Keep the order with the scores. Who only looks keeps nothing: it would have to wait
            for whoever writes.
    """
    scored = _score_waiting(db)
    if keep:
        _keep(db, scored)
    numbers = {each.draft.id: each.place.number for each in scored}
    last = len(numbers) + 1
    return sorted(
        waiting,
        key=lambda draft: (draft.origin != "behaviour", numbers.get(draft.id, last), draft.id),
    )


class _Scored(NamedTuple):
    draft: Draft
    inputs: dict[str, float]
    chance: Chance
    place: QueuePlace


def _keep(db: Database, scored: Sequence[_Scored]) -> None:
    """Store the chances as predictions, with the places in the queue among their features."""
    by_commit: dict[Sha, list[Prediction]] = {}
    for draft, inputs, chance, position in scored:
        prediction = Prediction(
            subject=str(draft.id),
            score=chance.probability,
            in_force=chance.in_force,
            model="",
            reasons=chance.reasons,
            features=inputs
            | {"place": float(position.number), "explored": float(position.explored)},
        )
        by_commit.setdefault(draft.commit, []).append(prediction)
    for commit, predictions in by_commit.items():
        db.predictions.store("draft", commit, predictions)


def _score_waiting(db: Database) -> list[_Scored]:
    """The drafts that wait, each with its inputs, its chance and its place in the queue."""
    waiting = db.drafts.find()
    if not waiting:
        return []
    prompts = db.model_calls.prompt_versions()
    inputs = [inputs_of(draft) for draft in waiting]
    groups = [_group(draft, prompts) for draft in waiting]
    draft_chances = chances(list(zip(groups, inputs, strict=True)), _decisions(db, prompts))
    probabilities = [chance.probability for chance in draft_chances]
    values = _values(db, waiting, probabilities)
    places = _places(waiting, values)
    return [
        _Scored(draft, draft_inputs, chance, places[draft.id])
        for draft, draft_inputs, chance in zip(waiting, inputs, draft_chances, strict=True)
    ]


def _values(
    db: Database, waiting: Sequence[Draft], probabilities: Sequence[float]
) -> dict[int, DraftValue]:
    """What deciding on each draft is worth, by its id."""
    weights = {sha: db.gaps.weights(sha) for sha in {draft.commit for draft in waiting}}
    last_commit = max(waiting, key=lambda draft: draft.id).commit
    values = {}
    for draft, probability in zip(waiting, probabilities, strict=True):
        weight = Weight()
        if draft.target is not None:
            key = (draft.target.path, draft.target.function)
            weight = weights[draft.commit].get(key, weight)
        lines = len(draft.evidence.get("gained_lines", ()))
        values[draft.id] = DraftValue(
            failed=draft.evidence.get("verdict") == "failed",
            just_changed=weight.changed and draft.commit == last_commit,
            is_test=draft.kind == "test",
            risk_closed=probability * weight.risk * lines,
            chance=probability,
        )
    return values


def _places(waiting: Sequence[Draft], values: Mapping[int, DraftValue]) -> dict[int, QueuePlace]:
    """The place of each draft; those that failed are shown last, and never at random."""
    order = sorted(waiting, key=lambda draft: (values[draft.id].key, draft.id))
    ranks = {draft.id: 1.0 - place / len(order) for place, draft in enumerate(order)}
    tried = {draft: rank for draft, rank in ranks.items() if not values[draft].failed}
    places = queue_places(tried)
    for draft in order:
        if values[draft.id].failed:
            places[draft.id] = QueuePlace(len(places) + 1, False)
    return places


def queue_places(chances: Mapping[int, float]) -> dict[int, QueuePlace]:
    """The place of each draft, by id, given its chance.

    Whether a draft stands in the queue at random, and where, follows from its id: the order is
    the same each time it is asked for.
    """
    ranked = sorted(chances, key=lambda number: (-chances[number], number))
    explored = {number for number in ranked if _pseudo_random(number, "whether") < EXPLORED}
    queue = [number for number in ranked if number not in explored]
    for number in sorted(explored):
        queue.insert(int(_pseudo_random(number, "where") * (len(queue) + 1)), number)
    return {number: QueuePlace(i, number in explored) for i, number in enumerate(queue, 1)}


def _pseudo_random(number: int, purpose: str) -> float:
    """A number from 0 to 1 that is as good as random, and the same each time."""
    raw = hashlib.sha256(f"{purpose} {number}".encode()).digest()
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
