"""How likely the editor is to accept each waiting draft."""

from __future__ import annotations

import json
import sqlite3

from copydesk.agent.desk import drafts
from copydesk.agent.records import Draft
from copydesk.agent.scoring import predictions
from copydesk.agent.scoring.predictions import Prediction
from copydesk.predictor.acceptance import Chance, Decision, chances


def score(db: sqlite3.Connection) -> dict[int, Chance]:
    """Score the drafts that wait, and keep what was said. By draft id."""
    waiting = drafts.listed(db)
    if not waiting:
        return {}
    prompts = _prompts(db)
    described = [(_group(d, prompts), inputs_of(d)) for d in waiting]
    found = chances(described, _decisions(db, prompts))
    for draft, (_, inputs), chance in zip(waiting, described, found, strict=True):
        said = Prediction(
            str(draft.id), chance.probability, chance.in_force, "", chance.reasons, inputs
        )
        predictions.store(db, "draft", draft.commit, [said])
    return {draft.id: chance for draft, chance in zip(waiting, found, strict=True)}


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


def _decisions(db: sqlite3.Connection, prompts: dict[int, str]) -> list[Decision]:
    decided = drafts.listed(db, ("accepted", "rejected"))
    last = dict(db.execute("SELECT draft_id, max(id) FROM reviews GROUP BY draft_id").fetchall())
    decided.sort(key=lambda d: last.get(d.id, 0))
    return [Decision(_group(d, prompts), inputs_of(d), d.state == "accepted") for d in decided]


def _group(draft: Draft, prompts: dict[int, str]) -> str:
    calls = draft.evidence.get("calls", ())
    prompt = next((prompts[c] for c in calls if prompts.get(c)), "")
    return "/".join(filter(None, (draft.kind, draft.origin, prompt)))


def _prompts(db: sqlite3.Connection) -> dict[int, str]:
    """The version of the prompt of each call to a model."""
    return {
        identity: str(json.loads(options).get("prompt", ""))
        for identity, options in db.execute("SELECT id, options FROM model_calls")
    }
