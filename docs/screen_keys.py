"""Write the keys into docs/reference/screen.md from the bindings: `python docs/screen_keys.py`."""

from __future__ import annotations

import re
from pathlib import Path

from copydesk.agent.screen.keys import keys_table

PAGE = Path(__file__).parent / "reference" / "screen.md"
_TABLE = re.compile(r"(?<=<!-- keys -->\n).*?(?=<!-- end of keys -->)", re.DOTALL)


def page() -> str:
    """The page as it should be."""
    return _TABLE.sub(lambda _: f"{keys_table()}\n", PAGE.read_text("utf-8"))


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
