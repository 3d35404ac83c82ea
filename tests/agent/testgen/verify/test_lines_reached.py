from __future__ import annotations

from pathlib import Path

from copydesk.agent.testgen.verify.lines_reached import reached_lines

SOURCE = """\
def f(a):
    with open(a) as file:
        if file:
            x = (1 +
                 2)
    return x  # pragma: no cover
"""


def test_arcs_speak_the_language_of_reports(tmp_path: Path) -> None:
    path = tmp_path / "m.py"
    path.write_text(SOURCE)
    arcs = {(-1, 2), (2, 3), (3, 4), (4, 5), (5, 2), (2, 6), (6, -1)}
    assert reached_lines(path, arcs) == ({2, 3, 4, 6}, {(3, 4)}, arcs)
    assert reached_lines(path, {(-1, 2), (2, 3), (3, 2), (2, 6), (6, -1)}).branches == {(3, 6)}
    assert reached_lines(path, set()) == (set(), set(), set())


def test_a_syntax_of_another_python_is_taken_as_traced(tmp_path: Path) -> None:
    path = tmp_path / "m.py"
    path.write_text("from the future import syntax\n")
    assert reached_lines(path, {(-1, 1), (1, -1)}) == ({1}, {(-1, 1), (1, -1)}, {(-1, 1), (1, -1)})
