"""The Streamlit page, through Streamlit's own AppTest. Needs the extra app: make test-extras."""

from __future__ import annotations

from pathlib import Path

import pytest

import copydesk.predictor.streamlit_app as page
from copydesk.predictor.subjects.commits import model as commits
from copydesk.predictor.subjects.market import bar_sources

testing = pytest.importorskip(
    "streamlit.testing.v1", reason="streamlit: make test-extras", exc_type=ImportError
)
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
PATH = str(Path(page.__file__).resolve())
SECONDS = 240


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer made-up bars: every click studies them anew."""
    real = bar_sources.made_up
    monkeypatch.setattr(bar_sources, "made_up", lambda *, seed: real(1150, seed=seed))


def drawn(monkeypatch: pytest.MonkeyPatch, *argv: str) -> testing.AppTest:
    monkeypatch.setattr("sys.argv", ["streamlit_app.py", *argv])
    return testing.AppTest.from_file(PATH, default_timeout=SECONDS).run()


def test_the_market_page_shows_forecast_rivals_leaks_and_card(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bar_sources, "samples_installed", lambda: False)
    app = drawn(monkeypatch)
    assert not app.exception
    assert app.title[0].value == "What can be predicted, and what cannot"
    metrics = {metric.label: metric.value for metric in app.metric}
    assert metrics["In force"] in ("har", "har + residual", "smoothed", "mean", "today")
    low, high = (float(part.rstrip(" %")) for part in metrics["8 days in 10"].split(" to "))
    middle = next(float(v.rstrip(" %")) for k, v in metrics.items() if k.startswith("Range of"))
    assert low < middle < high
    texts = "\n".join(block.value for block in app.markdown)
    assert "| smoothed |" in texts
    assert "**centred window**" in texts
    assert "# Tomorrow's range" in texts
    assert "no edge" in app.warning[0].value
    assert {tab.label for tab in app.tabs} == {
        *("Forecasts", "Against the baselines", "Direction", "Leak museum", "Card")
    }
    assert len(app.get("vega_lite_chart")) == 2
    assert "day" in app.dataframe[0].value["what"].tolist()


def test_a_real_series_comes_first_where_one_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bar_sources, "samples_installed", lambda: True)
    monkeypatch.setattr(bar_sources, "sampled", lambda symbol: bar_sources.made_up(seed=3))
    app = drawn(monkeypatch)
    assert not app.exception
    assert app.sidebar.selectbox[0].value == bar_sources.SAMPLES[0]


def test_another_seed_and_a_shorter_span_are_studied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bar_sources, "samples_installed", lambda: False)
    app = drawn(monkeypatch)
    first = app.metric[0].value
    app.number_input[0].set_value(2).run()
    assert not app.exception
    assert app.metric[0].value != first
    low, high = app.slider[0].value
    middle = low + (high - low) / 2
    app.slider[0].set_range(low, middle).run()
    assert not app.exception
    assert str(middle)[:7] in app.metric[0].label
    assert app.warning[0].value.startswith("no edge: too few bars")
    app.slider[0].set_range(low, low).run()
    assert "1 bars are too few" in app.error[0].value


def test_a_csv_is_read_or_its_fault_is_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    csv = tmp_path / "bars.csv"
    csv.write_text("date,open,high,low,close,volume\n2020-01-02,x,1,1,1,1\n")
    app = drawn(monkeypatch, "--csv", str(csv))
    assert "row 2, column open: 'x' is not a number" in app.error[0].value
    csv.write_text("date,open,high,low,close,volume\n")
    assert "there are no bars" in app.run().error[0].value
    app.selectbox[0].set_value(page.UPLOAD).run()
    assert "Choose a CSV file" in app.info[0].value
    source = bar_sources.uploaded(
        "x.csv", b"date,open,high,low,close,volume\n2020-01-02,1,1,1,1,1\n"
    )
    assert len(source.bars) == 1


def test_the_commits_page_scores_a_change_by_hand(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    app = drawn(monkeypatch, "--subject", "commits")
    assert not app.exception
    before = float(app.metric[0].value.rstrip("%"))
    app.number_input[0].set_value(400).run()
    assert float(app.metric[0].value.rstrip("%")) > before
    assert any("400 lines" in block.value for block in app.markdown)
    commits.save(tmp_path / "m", commits.shipped())
    app = drawn(monkeypatch, "--subject", "commits", "--model", str(tmp_path / "m"))
    assert not app.exception
    app = drawn(monkeypatch, "--subject", "commits", "--model", str(tmp_path / "none"))
    assert "no model" in app.error[0].value
