"""Write the table of faults in docs/reference/model.md from the tests: `python docs/faults.py`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from ollama_faults import END
from ollama_script import FAULTS

PAGE = Path(__file__).parent / "reference" / "model.md"
START, STOP = "<!-- faults -->\n", "<!-- end -->"
HEAD = """\
| fault | what the server does | streamed, it ends in | requests | in one piece | requests |
| --- | --- | --- | --- | --- | --- |
"""


def table() -> str:
    """A row for each fault: how a call meets it and after how many requests."""
    words = {"down": "nothing, it is not there", **FAULTS}
    rows = [
        f"| `{fault}` | {words[fault]} | `{streamed}` | {tries} | `{unstreamed}` | {retries} |\n"
        for fault, (streamed, tries, unstreamed, retries) in END.items()
    ]
    return HEAD + "".join(rows)


def page() -> str:
    """The page as it should be."""
    before, _, after = PAGE.read_text("utf-8").partition(START)
    return before + START + table() + STOP + after.partition(STOP)[2]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
