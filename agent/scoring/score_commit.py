"""What happens around a measure: scores of its functions and gaps, outcomes, training."""

from __future__ import annotations

from copydesk.agent.desk.connection import transaction
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.predictions import Prediction
from copydesk.agent.git.repository import Repository
from copydesk.agent.progress import Progress, silent
from copydesk.agent.records import Gap, Sha
from copydesk.agent.scoring import (
    measured_inputs,
    mine_history,
    order_tests,
    repository_model,
)
from copydesk.predictor.rank_gaps import Risk, Score, risks, score
from copydesk.predictor.subjects.commits.features import GapFeatures
from copydesk.predictor.subjects.commits.model import identity
from copydesk.predictor.subjects.commits.train import Trained


def after_measure(repo: Repository, db: Database, sha: Sha, *, say: Progress = silent) -> bool:
    """Score what a measured commit changed, and join outcomes.

    Returns:
        Whether there is learning to do that takes longer than a measure may wait for.
    """
    order_tests.settle(db, sha)
    waits = mine_history.is_far_behind(repo, db, sha)
    if not waits:
        mine_history.catch_up(repo, db, sha, say=say)
    score_commit(repo, db, sha, say=say)
    db.predictions.join_outcomes()
    return waits or repository_model.is_training_due(repo, db)


def learn(repo: Repository, db: Database, sha: Sha, *, say: Progress = silent) -> None:
    """Read all of the history that was not read yet, and train where that is due."""
    mine_history.catch_up(repo, db, sha, say=say)
    if repository_model.is_training_due(repo, db):
        repository_model.retrain(repo, db, say=say)
    score_commit(repo, db, sha, say=say)
    db.predictions.join_outcomes()


def score_commit(repo: Repository, db: Database, sha: Sha, *, say: Progress = silent) -> list[Risk]:
    """Score the functions a commit changed, and its gaps by them; keep both.

    Returns:
        The risks of the changed functions.
    """
    model = repository_model.in_force(repo, say)
    measured_inputs.add_coverage(db, sha)
    changed = db.mined_history.functions_of(sha)
    found = risks([function.inputs for function in changed], model)
    mark = identity(model)
    said = {
        f"{c.path}::{c.function}": Prediction(
            *(f"{c.path}::{c.function}", risk.probability, model.in_force, mark),
            *(risk.reasons[:3], c.inputs),
        )
        for c, risk in zip(changed, found, strict=True)
    }
    db.predictions.store("function", sha, said.values())
    _rank_gaps(repo, db, sha, model)
    return found


def _rank_gaps(repo: Repository, db: Database, sha: Sha, model: Trained) -> None:
    """Give the gaps of a measured commit the risk that the history of their functions says."""
    gaps = db.gaps.of_commit(sha)
    changes = {gap.path: db.mined_history.last_changes(sha, gap.path) for gap in gaps}
    known = [gap for gap in gaps if gap.function in changes[gap.path]]
    survivors = measured_inputs.surviving_mutants(repo, sha, [gap for gap in known if gap.changed])
    features = [
        _features(gap, changes[gap.path][gap.function][1], survivors.get(gap)) for gap in known
    ]
    with transaction(db):
        for gap, found in zip(known, score(features, model), strict=True):
            mine = changes[gap.path][gap.function][0]
            db.gaps.rank(gap, found.value, _reasons(found, mine))


def _features(gap: Gap, inputs: dict[str, float | None], surviving: int | None) -> GapFeatures:
    named = {name: inputs.get(name) for name in GapFeatures._fields}
    named |= {"lines_uncovered": len(gap.lines), "surviving_mutants": surviving}
    return GapFeatures(**named)  # type: ignore[arg-type]


def _reasons(found: Score, mine: bool) -> list[str]:
    """The reasons; where another commit changed the function last, it is not "the commit"."""
    if mine:
        return list(found.reasons)
    theirs = {"it is new": "its last change made it"}
    return [
        theirs.get(reason, reason.replace("the commit ", "its last change "))
        for reason in found.reasons
    ]
