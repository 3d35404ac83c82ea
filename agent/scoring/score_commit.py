"""What happens around a measure: scores of its functions and gaps, outcomes, training."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator

from copydesk.agent.desk.database import Database
from copydesk.agent.desk.gaps import Rank
from copydesk.agent.desk.history import ChangedFunction, Inputs, LastChange, Prediction
from copydesk.agent.desk.space import is_full
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.commit import Commit
from copydesk.agent.progress import Progress, silent
from copydesk.agent.records import Gap, Sha
from copydesk.agent.scoring import (
    measured_inputs,
    mine_history,
    order_tests,
    reader_needs,
    repository_model,
)
from copydesk.predictor.rank_gaps import Risk, risks, score
from copydesk.predictor.subjects.commits.features import GapFeatures
from copydesk.predictor.subjects.commits.model import identity
from copydesk.predictor.subjects.commits.train import Trained


def after_measure(db: Database, commit: Commit, *, say: Progress = silent) -> bool:
    """Score what a measured commit changed, and join outcomes.

    Returns:
        Whether there is learning to do that takes longer than a measure may wait for.
    """
    repo, sha = commit.repo, commit.sha
    waits = False
    # a score that is missing must hold up neither the other scores nor the drafts
    with _costs_this_alone(db, sha, "how its tests went", say):
        order_tests.settle_outcomes(db, sha)
    with _costs_this_alone(db, sha, "its history", say):
        waits = mine_history.is_far_behind(repo, db, sha)
        if not waits:
            mine_history.catch_up(repo, db, sha, say=say)
    with _costs_this_alone(db, sha, "the risk of its functions", say):
        score_commit(db, commit, say=say)
    with _costs_this_alone(db, sha, "what readers named", say):
        reader_needs.raise_gaps(db, commit, time.time())
    is_due = False
    with _costs_this_alone(db, sha, "what came of predictions", say):
        db.predictions.join_outcomes()
        is_due = repository_model.is_training_due(repo, db)
    return waits or is_due


@contextlib.contextmanager
def _costs_this_alone(db: Database, sha: Sha, item: str, say: Progress) -> Iterator[None]:
    """Keep any failure of one score, and go on with the others."""
    try:
        with db.failed_items.contained("score", sha, item, say=say):
            yield
    except CopydeskError as error:
        if is_full(error):
            raise
        failed = db.failed_items.record("score", sha, item, error)
        say(f"{item} of {sha[:8]}: not scored ({failed.error})")


def learn(db: Database, commit: Commit, *, say: Progress = silent) -> None:
    """Read all of the history that was not read yet, and train where that is due."""
    repo = commit.repo
    mine_history.catch_up(repo, db, commit.sha, say=say)
    if repository_model.is_training_due(repo, db):
        repository_model.retrain(repo, db, say=say)
    score_commit(db, commit, say=say)
    reader_needs.raise_gaps(db, commit, time.time())
    db.predictions.join_outcomes()


def score_commit(db: Database, commit: Commit, *, say: Progress = silent) -> list[Risk]:
    """Score the functions a commit changed, and its gaps by them; keep both.

    Returns:
        The risks of the changed functions.
    """
    repo, sha = commit.repo, commit.sha
    model = repository_model.in_force(repo, say)
    measured_inputs.add_coverage(db, sha)
    changed = db.mined_history.functions_of(sha)
    function_risks = risks([function.inputs for function in changed], model)
    _store_predictions(db, sha, model, zip(changed, function_risks, strict=True))
    _rank_gaps(db, commit, model)
    return function_risks


def _store_predictions(
    db: Database, sha: Sha, model: Trained, scored: Iterable[tuple[ChangedFunction, Risk]]
) -> None:
    digest = identity(model)
    by_subject: dict[str, Prediction] = {}
    for function, risk in scored:
        subject = f"{function.path}::{function.function}"
        by_subject[subject] = Prediction(
            subject=subject,
            score=risk.probability,
            in_force=model.in_force,
            model=digest,
            reasons=risk.reasons[:3],
            features=function.inputs,
        )
    db.predictions.store("function", sha, by_subject.values())


def _rank_gaps(db: Database, commit: Commit, model: Trained) -> None:
    """Give the gaps of a measured commit the risk that the history of their functions says."""
    changes = _last_changes(db, commit.sha)
    new_gaps = [gap for gap in changes if gap.changed]
    sites = measured_inputs.count_mutation_sites(commit, new_gaps)
    features = [_features(gap, change.inputs, sites.get(gap)) for gap, change in changes.items()]
    ranks = []
    for (gap, change), gap_score in zip(changes.items(), score(features, model), strict=True):
        reasons = gap_score.reasons if change.by_commit else _of_earlier(gap_score.reasons)
        ranks.append(Rank(gap, gap_score.value, reasons))
    db.gaps.rank(commit.sha, ranks)


def _last_changes(db: Database, sha: Sha) -> dict[Gap, LastChange]:
    """The last change of the function of each gap; gaps of functions without one are left out."""
    gaps = db.gaps.of_commit(sha)
    paths = {gap.path for gap in gaps}  # of many gaps, few files
    by_path = {path: db.mined_history.last_changes(sha, path) for path in paths}
    changes = {}
    for gap in gaps:
        change = by_path[gap.path].get(gap.function)
        if change is not None:
            changes[gap] = change
    return changes


def _features(gap: Gap, inputs: Inputs, mutation_sites: int | None) -> GapFeatures:
    features: dict[str, float | None] = {name: inputs.get(name) for name in GapFeatures._fields}
    features["lines_uncovered"] = len(gap.lines)
    features["mutation_sites"] = mutation_sites
    return GapFeatures(**features)  # type: ignore[arg-type]


def _of_earlier(reasons: Iterable[str]) -> list[str]:
    """The reasons where another commit changed the function last: it is not "the commit"."""
    reworded = []
    for reason in reasons:
        if reason == "it is new":
            reworded.append("its last change made it")
        else:
            reworded.append(reason.replace("the commit ", "its last change "))
    return reworded
