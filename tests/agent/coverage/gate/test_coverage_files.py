from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.agent.coverage.gate.coverage_files import read_coverage_file
from copydesk.agent.coverage.gate.path_mapping import PathMapping
from copydesk.agent.coverage.store.file_lines import FileLines, add_up
from copydesk.agent.errors import CopydeskError

XML = """<?xml version="1.0" ?>
<coverage version="7.6" branch-rate="0.5">
 <sources><source>/build/home/shop/src</source></sources>
 <packages><package name="."><classes>
  <class name="a" filename="pkg/a.py"><methods/><lines>
   <line number="1" hits="1"/>
   <line number="2" hits="3" branch="true" condition-coverage="50% (1/2)" missing-branches="4"/>
   <line number="4" hits="0"/>
  </lines></class>
  <class name="gone" filename="pkg/gone.py"><lines><line number="1" hits="1"/></lines></class>
 </classes></package></packages>
</coverage>
"""
LCOV = """TN:
SF:src/pkg/a.py
DA:1,1
DA:2,3
BRDA:2,0,jump to line 3,1
BRDA:2,0,jump to line 4,-
DA:4,0
LF:3
LH:2
end_of_record
"""
JSON = """{"meta": {"format": 3}, "files": {"src/pkg/a.py": {
 "executed_lines": [1, 2], "missing_lines": [4], "excluded_lines": [],
 "executed_branches": [[2, 3]], "missing_branches": [[2, 4]]}}}"""
KNOWN = {"src/pkg/a.py", "src/pkg/b.py", "tests/b.py"}
A = FileLines(frozenset({1, 2, 4}), frozenset({4}), frozenset({2}), 2, 1)


@pytest.mark.parametrize("text", [XML, LCOV, JSON], ids=["xml", "lcov", "json"])
def test_every_format_says_the_same(tmp_path: Path, text: str) -> None:
    (tmp_path / "data").write_text(text)
    found = read_coverage_file(tmp_path / "data", tmp_path, KNOWN)
    assert found.files == {"src/pkg/a.py": A}
    assert found.foreign == (("pkg/gone.py",) if text is XML else ())
    assert add_up(found.files.values()) == (5, 3)


@pytest.mark.parametrize("text", [XML, LCOV, JSON], ids=["xml", "lcov", "json"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_what_a_windows_shell_makes_of_it_is_read(tmp_path: Path, text: str, encoding: str) -> None:
    (tmp_path / "data").write_text(text, encoding, newline="\r\n")
    assert read_coverage_file(tmp_path / "data", tmp_path, KNOWN).files == {"src/pkg/a.py": A}


def test_records_of_one_file_add_up(tmp_path: Path) -> None:
    (tmp_path / "data").write_text(LCOV + "SF:src/pkg/a.py\nDA:4,2\nend_of_record\n")
    assert (
        read_coverage_file(tmp_path / "data", tmp_path, KNOWN).files["src/pkg/a.py"].missing
        == frozenset()
    )


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE c [<!ENTITY a "aaaa">]><coverage>&a;</coverage>',
        '<!DOCTYPE c [<!ENTITY % a SYSTEM "http://example.com/x">%a;]><coverage/>',
        "<html></html>",
        "<coverage>",
        "{",
        '{"files": 3}',
        "DA:1,1\n",
        "SF:a.py\nDA:one,two\n",
        "SQLite format 3\0 but not really",
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "data").write_text(text)
    with pytest.raises(CopydeskError) as error:
        read_coverage_file(tmp_path / "data", tmp_path, KNOWN)
    assert error.value.slug == "unreadable-data"


def test_entities_in_other_encodings_are_refused_too(tmp_path: Path) -> None:
    text = '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE c [<!ENTITY a "a">]><coverage/>'
    (tmp_path / "data").write_bytes(text.encode("utf-16"))
    with pytest.raises(CopydeskError, match="declares entities"):
        read_coverage_file(tmp_path / "data", tmp_path, KNOWN)


def test_a_document_type_is_not_fetched_and_does_no_harm(tmp_path: Path) -> None:
    """As older writers of Cobertura's format begin."""
    doctype = '<!DOCTYPE coverage SYSTEM "http://cobertura.sourceforge.net/xml/coverage-04.dtd">'
    (tmp_path / "data").write_text(XML.replace("<coverage", f"{doctype}\n<coverage", 1))
    assert read_coverage_file(tmp_path / "data", tmp_path, KNOWN).files == {"src/pkg/a.py": A}


BRANCHES = st.none() | st.tuples(st.integers(0, 3), st.integers(1, 3))
Lines = list[tuple[int, int, tuple[int, int] | None]]
LINES = st.lists(st.tuples(st.integers(1, 9), st.integers(0, 3), BRANCHES), max_size=6)


def _written(lines: Lines, more: str) -> str:
    found = []
    for number, hits, branch in lines:
        taken = (
            f'branch="true" condition-coverage="50% ({branch[0]}/{branch[1]})"' if branch else ""
        )
        found.append(f'<line number="{number}" hits="{hits}"{" " + taken if taken else ""}/>')
    return f"<lines>{more}" + "\n\t".join(found) + "</lines>"


@given(LINES, LINES, LINES)
def test_lines_read_at_once_are_as_those_read_one_by_one(
    tmp_path_factory: pytest.TempPathFactory, a: Lines, b: Lines, c: Lines
) -> None:
    """A comment within a list of lines has it read by the parser; methods' lines do not count."""
    file = tmp_path_factory.getbasetemp() / "lines.xml"

    def found(more: str) -> FileLines:
        method, first, second = (_written(lines, more) for lines in (a, b, c))
        unseen = f"<!-- {_written(a, '')} -->"
        file.write_text(
            f'<coverage><packages><class filename="src/pkg/a.py"><methods><method>{method}</method>'
            f'</methods>{unseen}{first}</class><class filename="src/pkg/a.py">{second}</class>'
            "</packages></coverage>"
        )
        return read_coverage_file(file, file.parent, KNOWN).files["src/pkg/a.py"]

    assert found("") == found("<!-- one by one -->")


def test_a_name_of_our_own_in_the_file_has_no_meaning(tmp_path: Path) -> None:
    text = XML.replace("<lines>", '<lines copydesk-kept="7">')
    (tmp_path / "data").write_text(text)
    assert read_coverage_file(tmp_path / "data", tmp_path, KNOWN).files == {"src/pkg/a.py": A}


@given(st.binary(max_size=300))
def test_no_content_breaks_it(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "any-data"
    file.write_bytes(raw)
    with contextlib.suppress(CopydeskError):
        read_coverage_file(file, file.parent, KNOWN)


@pytest.mark.parametrize(
    ("name", "roots", "path"),
    [
        ("src/pkg/a.py", (), "src/pkg/a.py"),
        ("./src/pkg/../pkg/a.py", (), "src/pkg/a.py"),
        ("src\\pkg\\a.py", (), "src/pkg/a.py"),
        ("pkg/a.py", (), "src/pkg/a.py"),
        ("a.py", ("/somewhere/src/pkg",), "src/pkg/a.py"),
        ("/top/src/pkg/b.py", (), "src/pkg/b.py"),
        ("C:\\build\\src\\pkg\\b.py", (), "src/pkg/b.py"),
        ("b.py", (), None),  # two files end so
        ("a.py", (), "src/pkg/a.py"),
        ("../other/thing.py", (), None),
    ],
)
def test_names_become_paths_of_the_repository(
    name: str, roots: tuple[str, ...], path: str | None
) -> None:
    mapped = PathMapping(Path("/top"), KNOWN).map({name: ()}, roots)
    assert mapped.paths.get(name) == path
