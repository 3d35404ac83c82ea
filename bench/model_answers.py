"""How many of a model's first answers are kept because they are mended, not asked for again.

The answers below fail in the ways, and about as often, as small and large models do
(research: YATE's and TestGen-LLM's published logs): a wrong expected value most of all, then names
and imports, prose, cut code. Each goes through the ladder as it came, and once more mended.

    python bench/model_answers.py        (make bench-model)
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from copydesk.agent.records import Candidate, Gap, Interpreter
from copydesk.agent.sandbox.records import Capability, Tier
from copydesk.agent.sandbox.runner import SandboxRunner, Visible
from copydesk.agent.testgen.model import Aim, python_in, repair
from copydesk.agent.testgen.project import TOOLS
from copydesk.agent.testgen.verify import verify

SOURCE = """\
def clamp_page(page, total, size=20):
    if size < 1:
        raise ValueError("size")
    last = max(1, -(-total // size))
    if page < 1:
        page = 1
    elif page > last:
        page = last
    return page, (page - 1) * size
"""
IMPORT = "from shop.pager import clamp_page\n"
RAISES = "def test_size():\n    with pytest.raises(ValueError):\n        clamp_page(1, 5, size=0)\n"
RIGHT = "def test_last():\n    assert clamp_page(9, 30) == (2, 20)\n"
WRONG = "def test_last():\n    assert clamp_page(9, 30) == (9, 160)\n"


def fence(code: str) -> str:
    """The code as a model hands it over."""
    return f"```python\n{code}```\n"


ANSWERS: dict[str, str] = {
    "right": fence(IMPORT + RIGHT),
    "wrong expected value": fence(IMPORT + WRONG),
    "wrong expected value, tuple": fence(
        IMPORT + "def test_first():\n    assert clamp_page(0, 5) == (0, 0)\n"
    ),
    "wrong expected value in a name": fence(
        IMPORT + "def test_a():\n    expected = (3, 60)\n    assert clamp_page(8, 41) == expected\n"
    ),
    "wrong value twice": fence(
        IMPORT + "def test_a():\n    page, offset = clamp_page(9, 30)\n"
        "    assert page == 9\n    assert offset == 160\n"
    ),
    "missing import of the function": fence(RIGHT),
    "missing import of pytest": fence(IMPORT + RAISES),
    "wrong module path": fence("from pager import clamp_page\n" + RIGHT),
    "placeholder module": fence("from your_module import clamp_page\n" + RIGHT),
    "one failing function among three": fence(
        f"{IMPORT}import pytest\n{RAISES}\n{RIGHT}\n"
        "def test_odd():\n    assert clamp_page('1', None) == 3\n"
    ),
    "prose around the code": f"Sure! Here it is:\n\n{IMPORT}\n{RIGHT}\nThis test checks the end.\n",
    "cut code": f"```python\n{IMPORT}{RIGHT}\ndef test_more():\n    assert clamp_page(1, (2\n",
    "a copy of the function": fence(f"{SOURCE}\n{RIGHT}"),
    "a main block": fence(f"{IMPORT}{RIGHT}\nif __name__ == '__main__':\n    pytest.main()\n"),
    "a loop": "def test_test_test" + "_test" * 200,
    "JSON with raw newlines": '{"tests": [{"name": "test_last", "code": "' + RIGHT + '"}]}',
    "an invented function": fence(
        "from shop.pager import paginate\ndef test_a():\n    assert paginate(1, 2) == 3\n"
    ),
    "an invented argument": fence(
        IMPORT + "def test_a():\n    assert clamp_page(1, 2, wrap=True) == (1, 0)\n"
    ),
    "vacuous": fence(IMPORT + "def test_a():\n    clamp_page(9, 30)\n    assert True\n"),
    "covered already": fence(IMPORT + "def test_a():\n    assert clamp_page(1, 30) == (1, 0)\n"),
}
FALSE = (
    "a loop",
    "an invented function",
    "an invented argument",
    "vacuous",
    "covered already",
)
"""Answers with nothing in them that could be kept."""


def outcomes(folder: Path) -> dict[str, tuple[bool, bool]]:
    """For each answer whether it is kept as it came, and whether it is kept when mended."""
    tree = folder / "tree"
    (tree / "shop").mkdir(parents=True)
    (tree / "shop/__init__.py").write_text("")
    (tree / "shop/pager.py").write_text(SOURCE)
    info = sys.version_info
    version = (info.major, info.minor, info.micro)
    python = Interpreter(
        Path(sys.executable), version, Path(sys.prefix), Path(sys.base_prefix), "its own"
    )
    capability = Capability(Tier.OFF, "a benchmark of our own texts")
    sandbox = SandboxRunner(tree, tree, python, capability, visible=Visible(tools=TOOLS))
    gap = Gap("0" * 40, "shop/pager.py", "clamp_page", 1, 9, (3, 6, 8), ())
    aim = Aim("shop.pager", "clamp_page", SOURCE, tree)

    def kept(content: str, tests: tuple[str, ...], *, recording: bool) -> bool:
        candidate = Candidate(gap, "a-model", content, tests)
        evidence, _ = verify(candidate, tree, sandbox, repeats=1, recording=recording)
        return evidence.verdict == "verified"

    kept_by_name = {}
    for name, answer in ANSWERS.items():
        raw = answer.split("```python\n")[-1].split("```")[0]
        mended = repair(python_in(answer), aim)
        kept_by_name[name] = (
            kept(raw, (), recording=False),
            mended is not None and kept(mended.content, mended.tests, recording=True),
        )
    return kept_by_name


def main() -> int:
    """Print the table; 1 when fewer than 30 % of what would be thrown away is kept."""
    with tempfile.TemporaryDirectory() as folder:
        kept_by_name = outcomes(Path(folder).resolve())
    for name, (raw, mended) in kept_by_name.items():
        words = "kept as it came" if raw else "kept when mended" if mended else "thrown away"
        print(f"{name:34} {words}")
    lost = [name for name, (raw, _) in kept_by_name.items() if not raw]
    saved = [name for name in lost if kept_by_name[name][1]]
    share = len(saved) / len(lost)
    print(
        f"\n{len(kept_by_name)} first answers; {len(lost)} would have been thrown away;"
        f" {len(saved)} of these ({share:.0%}) are kept after repair, with no further request"
    )
    false_but_kept = [name for name in FALSE if any(kept_by_name[name])]
    if false_but_kept:
        print(f"kept though false: {', '.join(false_but_kept)}")
    return int(share < 0.3 or bool(false_but_kept))


if __name__ == "__main__":
    sys.exit(main())
