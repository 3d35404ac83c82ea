"""What the project's own history adds to a prior: gradient-boosted trees on the prior's residual.

CatBoost learns on top of a baseline (`Pool(baseline=...)`), so the prior stays whole and readable,
and prediction = prior + trees. The trees are explained by their Shapley values, which are exact
for trees (Lundberg 2018): prior terms + Shapley values = the prediction.
"""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from copydesk.predictor.core.errors import PredictorError
from copydesk.predictor.core.prior import Term, offset

if TYPE_CHECKING:
    from catboost import CatBoost

Loss = Literal["Logloss", "RMSE"]
OWN = "(own history)"
"""The term that the trees add to every row alike."""

MAGIC = b"CBM1"
NAMES_KEY, LOSS_KEY, CENTRE_KEY = "copydesk.inputs", "copydesk.loss", "copydesk.centre"

Inputs = Mapping[str, float | None]


class Settings(NamedTuple):
    """How hard the trees may try. Few, shallow and strongly regularised: labels are rare.

    `rate` is CatBoost's learning_rate, `ridge` its l2_leaf_reg, `columns` its rsm, and `seed` that
    of the column sampling.
    """

    trees: int = 60
    depth: int = 3
    rate: float = 0.04
    ridge: float = 30.0
    columns: float = 0.6
    seed: int = 0

    def as_catboost(self, loss: Loss) -> dict[str, Any]:
        """The parameters of a CatBoost model."""
        return {
            "loss_function": loss,
            "iterations": self.trees,
            "depth": self.depth,
            "learning_rate": self.rate,
            "l2_leaf_reg": self.ridge,
            "rsm": self.columns,
            "random_strength": 2,
            "model_shrink_rate": 0,  # not implemented together with a baseline
            "boost_from_average": False,  # the baseline is where it starts from
            "has_time": True,
            "random_seed": self.seed,
            "thread_count": 1,
            "verbose": False,
            "allow_writing_files": False,  # else a folder appears where the user stands
        }


def available() -> bool:
    """Whether CatBoost is installed."""
    from importlib.util import find_spec

    return find_spec("catboost") is not None


def need_catboost() -> None:
    """Refuse to go on without CatBoost, and say how to add it.

    Raises:
        PredictorError: It is not installed.
    """
    if not available():
        raise PredictorError(
            "CatBoost is not installed, so only the prior can be used; add it with:"
            ' pip install "copydesk[predictor]"'
        )


class Residual:
    """Trees on top of a prior. Made by `fit` or `from_bytes`.

    What they add is 0 on average over the rows they learnt from: answers that are not known yet
    look negative, so young rows would teach that nothing fails any more. The level stays the
    prior's; the trees only tell rows apart.
    """

    def __init__(self, model: CatBoost, names: Sequence[str], loss: Loss, centre: float) -> None:
        self._model = model
        self.names = tuple(names)
        self.loss = loss
        self.centre = centre

    @classmethod
    def fit(
        cls,
        names: Sequence[str],
        rows: Sequence[Inputs],
        answers: Sequence[float],
        prior: Sequence[float],
        *,
        loss: Loss = "Logloss",
        settings: Settings | None = None,
    ) -> Residual:
        """Learn what the prior leaves over. Deterministic; one thread; writes no files.

        Args:
            names: The inputs that may be used. One that is the same in every row, or known of none,
                is left out: the trees draw some of their inputs by lot, and it would take a place.
            rows: Inputs by name, in order of time; None is "not known".
            answers: Labels (0 or 1) for Logloss, values for RMSE.
            prior: The prior's logit (Logloss) or value (RMSE) of each row.
            loss: What to minimise.
            settings: How hard to try.

        Raises:
            PredictorError: CatBoost is not installed, or there is nothing to learn from.
        """
        need_catboost()
        from catboost import CatBoost, CatBoostError, Pool

        varying = [name for name in names if len({row.get(name) for row in rows}) > 1]
        if not varying:
            raise PredictorError("nothing to learn from: no input tells one row from another")
        model = CatBoost((settings or Settings()).as_catboost(loss))
        try:
            level = offset(prior, answers) if loss == "Logloss" else _mean_miss(prior, answers)
            pool = Pool(_table(varying, rows), list(answers), baseline=[p + level for p in prior])
            model.fit(pool)
        except (CatBoostError, ValueError) as error:
            raise PredictorError(f"nothing to learn from: {error}") from error
        residual = cls(model, varying, loss, 0.0)
        residual.centre = math.fsum(residual.adds(rows)) / len(rows)
        return residual

    def adds(self, rows: Sequence[Inputs]) -> list[float]:
        """What the trees add to the prior of each row."""
        if not rows:
            return []
        raw = self._model.predict(_table(self.names, rows), prediction_type="RawFormulaVal")
        return [float(value) - self.centre for value in raw]

    def explain(self, rows: Sequence[Inputs]) -> list[tuple[Term, ...]]:
        """What each input adds, after the prior; the terms of a row sum to `adds` of it."""
        if not rows:
            return []
        from catboost import Pool

        shares = self._model.get_feature_importance(
            Pool(_table(self.names, rows)), type="ShapValues"
        )
        return [self._terms(row, line) for row, line in zip(rows, shares, strict=True)]

    def _terms(self, row: Inputs, shares: Sequence[float]) -> tuple[Term, ...]:
        """The terms of a row, given its Shapley values and what is added to every row."""
        terms = [Term(OWN, None, float(shares[-1]) - self.centre)]
        for name, share in zip(self.names, shares[:-1], strict=True):
            terms.append(Term(name, row.get(name), float(share)))
        return tuple(terms)

    def to_bytes(self) -> bytes:
        """The trees in CatBoost's binary format, the names of the inputs within."""
        with tempfile.TemporaryDirectory(prefix="copydesk-") as folder:
            path = Path(folder) / "residual.cbm"
            metadata = self._model.get_metadata()
            metadata[NAMES_KEY] = json.dumps(self.names)
            metadata[LOSS_KEY], metadata[CENTRE_KEY] = self.loss, repr(self.centre)
            self._model.save_model(str(path), format="cbm")
            return path.read_bytes()

    @classmethod
    def from_bytes(cls, raw: bytes) -> Residual:
        """Read what `to_bytes` wrote. Check the hash of the bytes first: see core/model_files.py.

        Raises:
            PredictorError: CatBoost is not installed, or the bytes are no model of ours.
        """
        need_catboost()
        from catboost import CatBoost, CatBoostError

        if not raw.startswith(MAGIC):
            raise PredictorError("not a CatBoost model")
        model = CatBoost()
        try:
            model.load_model(blob=raw)
            metadata: Any = model.get_metadata()
            names = json.loads(metadata[NAMES_KEY])
            loss: Loss = "RMSE" if metadata[LOSS_KEY] == "RMSE" else "Logloss"
            centre = float(metadata[CENTRE_KEY])
        except (CatBoostError, KeyError, ValueError) as error:
            raise PredictorError(f"not a model of copydesk's: {error}") from error
        return cls(model, [str(name) for name in names], loss, centre)


def _mean_miss(prior: Sequence[float], answers: Sequence[float]) -> float:
    return math.fsum(a - p for a, p in zip(answers, prior, strict=True)) / len(answers)


def _table(names: Sequence[str], rows: Sequence[Inputs]) -> list[list[float]]:
    """The inputs as numbers, row by row; NaN is "not known"."""
    return [[_number(row.get(name)) for name in names] for row in rows]


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
