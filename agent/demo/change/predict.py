"""Say what a fitted model expects of tomorrow, and how sure it is."""

from __future__ import annotations

from collections.abc import Sequence

from train import Model, fit, returns


def clamp(value: float, low: float = -0.2, high: float = 0.2) -> float:
    """Keep a predicted return within what one day can plausibly bring."""
    if low > high:
        raise ValueError("low must not be above high")
    if value < low:
        return low
    if value > high:
        return high
    return value


def predict_return(model: Model, latest: float) -> float:
    """The return the model expects after the latest one."""
    return clamp(model.slope * latest + model.intercept)


def predict_price(prices: Sequence[float]) -> float:
    """Tomorrow's price from all prices so far."""
    changes = returns(prices)
    return round(prices[-1] * (1 + predict_return(fit(changes), changes[-1])), 2)


def volatility(changes: Sequence[float]) -> float:
    """How much the returns scatter around their mean (their standard deviation)."""
    if len(changes) < 2:
        return 0.0
    mean = sum(changes) / len(changes)
    return round((sum((c - mean) ** 2 for c in changes) / (len(changes) - 1)) ** 0.5, 6)


def drawdown(prices: Sequence[float]) -> float:
    """The deepest fall from a peak, as a share of that peak."""
    peak, worst = 0.0, 0.0
    for price in prices:
        peak = max(peak, price)
        if peak > 0:
            worst = max(worst, 1 - price / peak)
    return round(worst, 4)


def position(expected: float, risk: float, budget: float = 1000.0) -> float:
    """How much of the budget to use: less the riskier it is, nothing when a loss is expected."""
    if budget < 0:
        raise ValueError("the budget must not be negative")
    if expected <= 0:
        return 0.0
    if risk <= 0:
        return budget
    return round(min(budget, budget * expected / risk), 2)


def signal(expected: float, threshold: float = 0.01, risk: float = 0.0) -> str:
    """What the model would do: buy, sell or hold. A wild market is left alone."""
    if risk > 0.1:
        return "hold"
    if expected >= threshold:
        return "buy"
    if expected <= -threshold:
        return "sell"
    return "hold"


def confidence(error: float, spread: float) -> str:
    """How far a prediction can be trusted: its usual error against how much prices move."""
    if spread <= 0:
        return "unknown"
    ratio = error / spread
    if ratio < 0.5:
        return "high"
    if ratio < 1:
        return "medium"
    return "low"


def streak(changes: Sequence[float]) -> int:
    """How many days in a row the price rose (positive) or fell (negative) up to today."""
    count = 0
    for change in reversed(changes):
        if change > 0 and count >= 0:
            count += 1
        elif change < 0 and count <= 0:
            count -= 1
        else:
            break
    return count
