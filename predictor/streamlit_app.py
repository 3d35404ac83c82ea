"""The predictor as a page: python -m copydesk.predictor.streamlit_app [--subject market].

Started so, or from a checkout with `streamlit run predictor/streamlit_app.py`, it answers on this
machine alone and sends no statistics.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from copydesk.predictor.core import model_card as cards
from copydesk.predictor.core.errors import PredictorError
from copydesk.predictor.rank_gaps import risks
from copydesk.predictor.subjects.commits import model as commits
from copydesk.predictor.subjects.market import (
    bar_sources,
    direction,
    leakage_examples,
    model,
    ranges,
)
from copydesk.predictor.subjects.market.daily_bars import Bar
from copydesk.predictor.subjects.market.features import as_percent

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

LOCAL = ("--server.address=127.0.0.1", "--browser.gatherUsageStats=false")
UPLOAD, SYNTHETIC = "a CSV file", "made up, no edge"

# No docstrings for values here: Streamlit writes texts that stand alone in this file on the page.
# Of what was, the forecast, and its bounds; told apart on white and on black:
_COLOURS = ["#8c92a0", "#2f80d0", "#2f80d066", "#2f80d066"]
# A table wider than a telephone is moved by itself, not with the whole page:
_NARROW = "<style>[data-testid=stMarkdown] table {display: block; overflow-x: auto}</style>"


def main(argv: Sequence[str] | None = None) -> None:
    """Draw the page. Streamlit runs it again on every click."""
    import streamlit as st

    st.set_page_config(page_title="copydesk predictor", layout="wide")
    options = _parser().parse_known_args(sys.argv[1:] if argv is None else argv)[0]
    st.html(_NARROW)
    st.title("What can be predicted, and what cannot")
    subjects = ["market", "commits"]
    subject = st.sidebar.radio("Subject", subjects, index=subjects.index(options.subject))
    try:
        if subject == "market":
            market_page(options.csv)
        else:
            commits_page(options.model)
    except PredictorError as error:
        st.error(str(error))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="streamlit run predictor/streamlit_app.py --")
    parser.add_argument("--subject", choices=["commits", "market"], default="market")
    parser.add_argument("--csv", help="market: a CSV file of daily bars to begin with")
    parser.add_argument("--model", type=Path, help="commits: a trained model; else the prior")
    return parser


# market


def market_page(csv: str | None) -> None:
    """Choose a series and a span; forecasts, rivals, directions, leaks, reasons, card."""
    import streamlit as st

    source = _choose(csv)
    if source is None:
        st.info("Choose a CSV file with the columns date, open, high, low, close, volume.")
        return
    days = [bar.date for bar in source.bars]
    if not days:
        raise PredictorError(f"{source.name}: there are no bars")
    first, last = st.sidebar.slider("Span", days[0], days[-1], (days[0], days[-1]))
    bars = [bar for bar in source.bars if first <= bar.date <= last]
    with st.spinner("walking forward, year by year"):
        studied = _studied(tuple(bars))
    compared = studied.ranges
    _tomorrow(st.container(), bars, studied)
    tabs = st.tabs(["Forecasts", "Against the baselines", "Direction", "Leak museum", "Card"])
    _forecasts(tabs[0], compared)
    with tabs[1]:
        st.markdown(cards.table(ranges.table(compared), compared.verdict.in_force))
        st.markdown("\n".join(f"- {reason}" for reason in compared.verdict.why))
    _directions(tabs[2], studied.direction)
    with tabs[3]:
        _leakage_examples(tuple(bars))
    with tabs[4]:
        tried = {"edge": False, "why": _verdict(studied.direction), "figures": {}}
        st.markdown(cards.markdown(model.describe(bars, source.name, studied, tried)))


def _choose(csv: str | None) -> bar_sources.Source | None:
    import streamlit as st

    samples = bar_sources.SAMPLES if bar_sources.samples_installed() else ()
    offered = [*samples, SYNTHETIC, UPLOAD]  # a real series first
    if csv:
        offered.insert(0, csv)
    name = st.sidebar.selectbox("Symbol", offered)
    if name == SYNTHETIC:
        seed = st.sidebar.number_input("Seed", value=1, min_value=0, step=1)
        return bar_sources.choose(None, synthetic=int(seed))
    if name == UPLOAD:
        file = st.sidebar.file_uploader("Daily bars", type="csv")
        return None if file is None else bar_sources.uploaded(file.name, file.getvalue())
    return bar_sources.choose(csv) if name == csv else bar_sources.choose(None, sample=name)


def _studied(bars: tuple[Bar, ...]) -> model.Studied:
    import streamlit as st

    return st.cache_resource(show_spinner=False, max_entries=4)(model.study)(bars)  # type: ignore[no-any-return]


def _tomorrow(container: DeltaGenerator, bars: Sequence[Bar], studied: model.Studied) -> None:
    """The next day: range, interval, which model says so, and the reasons."""
    import streamlit as st

    market = model.fitted(studied)
    forecast = model.forecast(market, bars)
    middle, low, high = (as_percent(forecast[name]) for name in ("log_range", "low", "high"))
    columns = container.columns(3)
    columns[0].metric(f"Range of the day after {forecast['after']}", f"{middle:.2f} %")
    columns[1].metric("8 days in 10", f"{low:.2f} % to {high:.2f} %")
    columns[2].metric("In force", str(forecast["in_force"]))
    container.caption("How far the day's high stands above its low.")
    terms = sorted(forecast["terms"], key=lambda term: -abs(term["contribution"]))
    with container.expander("Why"):
        st.dataframe(
            {
                "what": [term["name"] for term in terms],
                "value": [term["value"] for term in terms],
                "adds to the log range": [round(term["contribution"], 4) for term in terms],
            },
            hide_index=True,
        )


def _forecasts(container: DeltaGenerator, compared: ranges.Compared) -> None:
    """The forecasts of the hold-out by the model in force, beside what the days then were."""
    hold_out = compared.hold_out
    forecasts = hold_out.by_model[compared.verdict.in_force]
    low, high = model.bounds(compared, compared.verdict.in_force)
    container.line_chart(
        {
            "day": hold_out.days,
            "range, %": [as_percent(value) for value in hold_out.actual],
            "forecast": [as_percent(value) for value in forecasts],
            "low": [as_percent(value + low) for value in forecasts],
            "high": [as_percent(value + high) for value in forecasts],
        },
        x="day",
        y=["range, %", "forecast", "low", "high"],
        y_label="high above low, %",
        color=_COLOURS,
    )
    inside = sum(
        low <= actual - forecast <= high
        for actual, forecast in zip(hold_out.actual, forecasts, strict=True)
    )
    container.caption(
        f"The hold-out, {len(hold_out.days):,} days; {inside / len(hold_out.days):.0%} of them"
        " within the interval. Each day was forecast by a model that had seen only earlier years."
    )


def _directions(container: DeltaGenerator, directions: direction.Directions | None) -> None:
    """What each model of the direction earned after costs, and whether that is an edge."""
    if directions is None:
        container.warning("no edge: too few bars to test directions on")
        return
    trials = _ratios(directions)
    table = direction.figures(directions, trials)
    edge, why = direction.verdict(table, len(trials))
    (container.success if edge else container.warning)(why)
    container.markdown(cards.table(table, ""))
    wealth: dict[str, list[Any]] = {"day": list(directions.days)}
    for name, chances in directions.by_model.items():
        wealth[name] = list(accumulate(direction.earned(chances, directions.actual)))
    container.line_chart(wealth, x="day", y=list(directions.by_model))
    container.caption(
        f"Log return after {direction.COST:.2%} a trade, long or out. The page keeps no log:"
        " `copydesk train` counts every trial on a series."
    )


def _ratios(directions: direction.Directions) -> list[float]:
    from copydesk.predictor.core.sharpe_ratio import sharpe

    earnings = [
        direction.earned(chances, directions.actual) for chances in directions.by_model.values()
    ]
    return [sharpe(returns) for returns in earnings]


def _verdict(directions: direction.Directions | None) -> str:
    if directions is None:
        return "no edge: too few bars to test it"
    trials = _ratios(directions)
    return direction.verdict(direction.figures(directions, trials), len(trials))[1]


def _leakage_examples(bars: tuple[Bar, ...]) -> None:
    import streamlit as st

    st.markdown("Mistakes that show skill where there is none, on the bars you chose.")
    measure = st.cache_data(show_spinner="measuring the leaks", max_entries=4)
    for exhibit in measure(leakage_examples.exhibits)(bars):
        columns = st.columns([3, 1, 1])
        columns[0].markdown(f"**{exhibit.name}**: {exhibit.mistake}")
        columns[1].metric(f"{exhibit.figure}, shown", f"{exhibit.shown:.3f}")
        columns[2].metric(f"{exhibit.figure}, honest", f"{exhibit.honest:.3f}")


# commits


def commits_page(folder: Path | None) -> None:
    """What is in force for commits, and what a change of your choosing would score."""
    import streamlit as st

    trained = commits.load(folder) if folder else commits.shipped()
    st.subheader("A change, by hand")
    columns = st.columns(4)
    inputs = {
        "lines_added_in_commit": columns[0].number_input(
            "lines added to the function", 0, value=20
        ),
        "function_lines": columns[1].number_input("lines of the function", 1, value=40),
        "branches": columns[2].number_input("branches in it", 0, value=6),
        "files_changed": columns[3].number_input("files in the commit", 1, value=2),
    }
    (risk,) = risks([{name: float(value) for name, value in inputs.items()}], trained)
    st.metric("chance of a defect", f"{risk.probability:.1%}")
    for reason in risk.reasons:
        st.markdown(f"- {reason}")
    st.subheader("The model card")
    st.markdown(cards.markdown(trained.card))


def launch(arguments: Sequence[str]) -> None:
    """Become Streamlit showing this page, to this machine alone and without its statistics.

    Args:
        arguments: Those of the page.

    Raises:
        SystemExit: Streamlit is not installed.
    """
    if find_spec("streamlit") is None:
        sys.exit('Streamlit is not installed; add it with: pip install "copydesk[app]"')
    # with -P, or what lies in the current folder would be imported
    words = [sys.executable, "-P", "-m", "streamlit", "run", *LOCAL, __file__, "--", *arguments]
    os.execv(sys.executable, words)


def _under_streamlit() -> bool:
    runtime = sys.modules.get("streamlit.runtime")
    return runtime is not None and bool(runtime.exists())


if __name__ == "__main__":
    if _under_streamlit():
        main()
    else:
        launch(sys.argv[1:])
