"""Figures of a trading rule that do not flatter it.

Probabilistic and deflated Sharpe ratio: Bailey and López de Prado, "The Deflated Sharpe Ratio",
Journal of Portfolio Management 40 (2014).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

TRADING_DAYS = 252
_EULER = 0.5772156649015329


def sharpe(returns: Sequence[float]) -> float:
    """Mean over standard deviation of the returns, a period; 0 where they do not vary."""
    mean = math.fsum(returns) / len(returns)
    spread = math.sqrt(math.fsum((r - mean) ** 2 for r in returns) / len(returns))
    return mean / spread if spread > 1e-15 else 0.0


def annual(ratio: float) -> float:
    """A daily Sharpe ratio as a yearly one."""
    return ratio * math.sqrt(TRADING_DAYS)


def probabilistic_sharpe(returns: Sequence[float], above: float = 0.0) -> float:
    """The chance that the true Sharpe ratio lies above a benchmark, both a period.

    Takes skewness and kurtosis of the returns into account.
    """
    count = len(returns)
    mean = math.fsum(returns) / count
    second = math.fsum((r - mean) ** 2 for r in returns) / count
    if second < 1e-30 or count < 3:
        return 0.5 if above == 0 else 0.0
    skew = math.fsum((r - mean) ** 3 for r in returns) / count / second**1.5
    tail = math.fsum((r - mean) ** 4 for r in returns) / count / second**2
    ratio = sharpe(returns)
    spread = max(1 - skew * ratio + (tail - 1) / 4 * ratio**2, 1e-12)
    return NormalDist().cdf((ratio - above) * math.sqrt(count - 1) / math.sqrt(spread))


def best_by_luck(trials: Sequence[float]) -> float:
    """The Sharpe ratio to expect of the best of so many trials none of which has any skill.

    Args:
        trials: The Sharpe ratios, a period, of everything that was tried.
    """
    count = len(trials)
    if count < 2:
        return 0.0
    mean = math.fsum(trials) / count
    spread = math.sqrt(math.fsum((t - mean) ** 2 for t in trials) / count)
    normal = NormalDist()
    high = normal.inv_cdf(1 - 1 / count)
    higher = normal.inv_cdf(1 - 1 / (count * math.e))
    return spread * ((1 - _EULER) * high + _EULER * higher)


def deflated_sharpe(returns: Sequence[float], trials: Sequence[float]) -> float:
    """The chance that a rule has skill, given all that was tried to find it.

    Args:
        returns: Of the rule, a period.
        trials: The Sharpe ratios, a period, of every trial, this one included.
    """
    return probabilistic_sharpe(returns, best_by_luck(trials))
