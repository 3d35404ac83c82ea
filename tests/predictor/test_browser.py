"""The Streamlit page in a real browser: headless Chromium, asked by its own debugging protocol.

Needs the extra app and Chromium: make test-extras. PAGE_SHOTS=folder keeps the pictures.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import copydesk.predictor.streamlit_app as page
from copydesk.predictor.subjects.market.bar_sources import made_up
from copydesk.predictor.subjects.market.daily_bars import Bar

pytest.importorskip("streamlit", reason="streamlit: make test-extras", exc_type=ImportError)
client = pytest.importorskip("websockets.sync.client", reason="websockets: make test-extras")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), "")
pytestmark = [
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium on PATH: apt install chromium"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.timeout(1200),
]
SECONDS = 600
READY = """(() => {
  const app = document.querySelector('[data-testid=stApp]');
  const shown = [...document.querySelectorAll('[data-testid=stVegaLiteChart]')]
    .filter(chart => chart.offsetParent);
  const drawn = chart => chart.querySelector('canvas, svg path');
  return app && app.dataset.testScriptState === 'notRunning'
    && app.dataset.testConnectionState === 'CONNECTED'
    && !document.querySelector('[data-testid=stSkeleton], [data-testid=stSpinner]')
    && shown.length >= WANTED && shown.every(drawn);
})()"""


def until(asked: Callable[[], Any], what: str) -> Any:
    """Ask until the answer is a true one."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        if answer := asked():
            return answer
        time.sleep(0.2)
    raise AssertionError(f"not within {SECONDS} s: {what}")


class Browser:
    """One page of a Chromium."""

    def __init__(self, socket: Any) -> None:
        self.socket, self.calls = socket, 0

    def ask(self, method: str, **parameters: Any) -> Any:
        """Call a method of the protocol; its result."""
        self.calls += 1
        self.socket.send(json.dumps({"id": self.calls, "method": method, "params": parameters}))
        while (answer := json.loads(self.socket.recv(timeout=SECONDS))).get("id") != self.calls:
            pass
        assert "error" not in answer, answer
        return answer["result"]

    def run(self, script: str) -> Any:
        """The value of a JavaScript expression."""
        said = self.ask("Runtime.evaluate", expression=script, returnByValue=True)
        return said["result"].get("value")

    def see(self, width: int, scheme: str, height: int = 900) -> None:
        """Set the window's size, and whether its owner likes it dark."""
        preferred = [{"name": "prefers-color-scheme", "value": scheme}]
        self.ask("Emulation.setEmulatedMedia", features=preferred)
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.ask("Emulation.setDeviceMetricsOverride", **size)

    def open(self, url: str, charts: int) -> None:
        """Load a page, and wait until Streamlit has run and its charts are drawn."""
        self.ask("Page.navigate", url="about:blank")
        self.ask("Page.navigate", url=url)
        self.settle(charts)

    def settle(self, charts: int) -> None:
        """Wait until nothing runs and so many charts are in sight, drawn."""
        ready = READY.replace("WANTED", str(charts))
        until(lambda: self.run(ready), f"{charts} charts are drawn and nothing runs")

    def shoot(self, name: str) -> bytes:
        """A picture of all of the page; kept where PAGE_SHOTS says."""
        picture = base64.b64decode(self.ask("Page.captureScreenshot", format="png")["data"])
        if folder := os.environ.get("PAGE_SHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            Path(folder, f"{name}.png").write_bytes(picture)
        return picture


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page, served."""
    folder = tmp_path_factory.mktemp("page")
    bars: list[Bar] = made_up(800, seed=3)
    rows = [f"{b.date},{b.open!r},{b.high!r},{b.low!r},{b.close!r},{b.volume!r}" for b in bars]
    (folder / "bars.csv").write_text("\n".join(["date,open,high,low,close,volume", *rows]) + "\n")
    options = {"headless": "true", "port": "0", "address": "127.0.0.1", "fileWatcherType": "none"}
    command = [sys.executable, "-m", "streamlit", "run", str(Path(page.__file__).resolve())]
    command += [f"--server.{name}={value}" for name, value in options.items()]
    command += ["--browser.gatherUsageStats=false", "--", "--csv", "bars.csv"]
    log = folder / "log"
    with log.open("wb") as out:
        served = subprocess.Popen(command, cwd=folder, stdout=out, stderr=out)
    try:
        line = until(
            lambda: next((w for w in log.read_text().split() if w.startswith("http://")), ""),
            "the page is served",
        )
        yield line
    finally:
        served.terminate()
        served.wait(60)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A Chromium without a window."""
    profile = tmp_path_factory.mktemp("profile")
    command = [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    command += ["--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank"]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        told = profile / "DevToolsActivePort"
        port = until(lambda: told.exists() and told.read_text().split()[0], "Chromium runs")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list") as answer:
            tabs = json.load(answer)
        address = next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page")
        with client.connect(address, max_size=None) as socket:
            yield Browser(socket)
    finally:
        running.terminate()
        running.wait(60)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_is_drawn_whole_and_fits(
    browser: Browser, url: str, width: int, scheme: str
) -> None:
    browser.see(width, scheme)
    browser.open(url, charts=1)
    main = browser.run("document.querySelector('[data-testid=stMain]').innerText")
    assert main.strip().startswith("What can be predicted, and what cannot")
    assert "8 days in 10" in main
    assert "In force" in main
    assert not browser.run("document.querySelectorAll('[data-testid=stException]').length")
    tall = browser.run("document.querySelector('[data-testid=stMain]').scrollHeight")
    browser.see(width, scheme, max(900, tall))
    browser.settle(charts=1)
    assert browser.run("document.querySelector('[data-testid=stMain]').scrollWidth") <= width
    ground = browser.run(
        "getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
    )
    shades = [int(part) for part in ground.strip("rgba()").split(",")[:3]]
    assert (max(shades) < 64) if scheme == "dark" else (min(shades) > 192)
    assert browser.shoot(f"{width}-{scheme}").startswith(b"\x89PNG")


@pytest.mark.parametrize("width", [1280, 390])
def test_every_tab_shows_its_part(browser: Browser, url: str, width: int) -> None:
    browser.see(width, "light")
    browser.open(url, charts=1)
    wanted = {
        "Against the baselines": ("smoothed", 0),
        "Direction": ("no edge", 1),
        "Leak museum": ("centred window", 0),
        "Card": ("Tomorrow's range", 0),
    }
    for number, (tab, (said, charts)) in enumerate(wanted.items(), 1):
        browser.run(f"document.querySelectorAll('[data-testid=stTab]')[{number}].click()")
        until(
            lambda said=said: said in browser.run("document.body.innerText"), f"{tab} shows {said}"
        )
        browser.settle(charts)
        tall = browser.run("document.querySelector('[data-testid=stMain]').scrollHeight")
        browser.see(width, "light", max(900, tall))
        browser.settle(charts)
        assert browser.run("document.querySelector('[data-testid=stMain]').scrollWidth") <= width
        browser.shoot(f"{width}-{tab.split()[-1].lower()}")
        browser.see(width, "light")
