"""What a piece of code gives, as a reader sees it at the prompt."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from copydesk.agent.sandboxed.copydesk_tools.examples.main import TOOLS, run


@pytest.mark.parametrize(
    ("code", "text", "raised"),
    [
        ("1 + 1", "2", False),
        ("x = 'a'\nx * 3", "'aaa'", False),
        ("print('one')\nprint('two')", "one\ntwo", False),
        ("def f():\n    print('in')\n    return 1\nf()", "in\n1", False),
        ("None", "", False),
        ("int('x')", "ValueError: invalid literal for int() with base 10: 'x'", True),
        ("print('first')\n{}[1]", "first\nKeyError: 1", True),
        ("raise SystemExit(3)", "SystemExit: 3", True),
        ("import", "SyntaxError: invalid syntax", True),
    ],
)
def test_what_was_printed_and_what_came_back(code: str, text: str, raised: bool) -> None:
    assert run(code) == (text, raised)


def test_what_hangs_or_dies_costs_that_piece_alone() -> None:
    reading, writing = os.pipe()
    codes = ["while True: pass", "import os\nos._exit(3)", "import os\nos.write(1, b'x')", "'late'"]
    start = (
        f"import sys; sys.path.insert(0, {TOOLS!r});"
        " from copydesk_tools.examples.main import main; sys.exit(main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", start],
        input=json.dumps({"codes": codes, "seconds": 0.3}).encode(),
        env={"COPYDESK_REPORT_FD": str(writing)},
        pass_fds=[writing],
        capture_output=True,
        check=True,
    )
    os.close(writing)
    with os.fdopen(reading, "rb") as report:
        assert json.loads(report.read()) == [None, None, ["1", False], ["'late'", False]]
    assert done.stdout == b""
