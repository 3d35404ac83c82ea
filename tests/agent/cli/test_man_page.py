from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.agent.cli import man_page, reference

REQUESTS = {".TH", ".SH", ".SS", ".PP", ".TP", ".B", ".RS", ".RE", ".nf", ".fi"}


def test_every_command_is_on_the_page_and_no_text_is_a_request(run: Any, tmp_path: Path) -> None:
    page = run(tmp_path, "help", "--man").output
    for name, _, _ in reference.commands():
        assert re.search(rf"^(\.SS )?{re.escape(name)}\b", page, re.MULTILINE), name
    requests = {line.split(" ")[0] for line in page.splitlines() if line[:1] in (".", "'")}
    assert requests == REQUESTS
    assert page.startswith('.TH COPYDESK 1 "" "copydesk ')


@given(st.text(alphabet=st.characters(exclude_categories=("C", "Z")), min_size=1))
def test_troff_prints_what_was_written(text: str) -> None:
    escaped = man_page._escaped(text)
    assert not escaped.startswith((".", "'"))
    assert escaped.removeprefix("\\&").replace("\\-", "-").replace("\\e", "\\") == text


@pytest.mark.skipif(not shutil.which("groff"), reason="groff is not installed")
def test_groff_has_nothing_to_warn_of() -> None:
    page = man_page.man_page("1.0")
    words = ["groff", "-man", "-Tutf8", "-ww", "-K", "utf8"]
    done = subprocess.run(words, input=page, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert "Examples:" in done.stdout
