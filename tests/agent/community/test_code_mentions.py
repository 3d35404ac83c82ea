from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.agent.community.code_mentions import CodeIndex, Mention, Place, names_in
from copydesk.agent.coverage.source import MODULE

ROWS = '''\
"""Rows."""


def read_rows(path):
    if not path:
        raise ValueError("the path may not be empty")
    return []


class RowReader:
    def close(self):
        return None

    def get(self, key):
        return key
'''
CLI = """\
import click


@click.command()
@click.option("--dry-run", is_flag=True)
def main(dry_run):
    return dry_run


def close():
    return 1
"""
SOURCES = {
    "src/shop/rows.py": names_in(ROWS),
    "src/shop/cli.py": names_in(CLI),
    "src/shop/__init__.py": names_in(""),
}


@pytest.fixture(scope="module")
def index() -> CodeIndex:
    return CodeIndex(SOURCES, frozenset({"pyproject.toml", "docs/index.md"}))


READ_ROWS = Place("src/shop/rows.py", "read_rows")


@pytest.mark.parametrize(
    ("text", "kind", "place"),
    [
        ("read_rows is slow for me", "function", READ_ROWS),
        ("`read_rows` is slow", "function", READ_ROWS),
        ("when I call shop.rows.read_rows(None)", "function", READ_ROWS),
        ("RowReader.close() hangs", "function", Place("src/shop/rows.py", "RowReader.close")),
        ("the RowReader class", "class", Place("src/shop/rows.py", "")),
        ("--dry-run writes files", "option", Place("src/shop/cli.py", "")),
        ("in shop/rows.py there is", "file", Place("src/shop/rows.py", "")),
        ("see pyproject.toml", "file", Place("pyproject.toml", "")),
        ("it says ValueError: The path may not be empty!", "message", READ_ROWS),
    ],
)
def test_code_that_is_named_is_found(index: CodeIndex, text: str, kind: str, place: Place) -> None:
    (mention,) = index.mentions(text)
    assert (mention.kind, mention.places) == (kind, (place,))
    assert not mention.is_ambiguous


@pytest.mark.parametrize(
    "text",
    [
        "how do I read rows?",
        "please get the main window to close",
        "`get` and `main` and run()",
        "https://example.org/read_rows/x",
        "other.rows.py",
        "--help does not help",
        "unread_rows and read_rows_fast",
    ],
)
def test_what_only_looks_alike_is_left_alone(index: CodeIndex, text: str) -> None:
    assert index.mentions(text) == []


def test_a_name_of_two_places_is_ambiguous(index: CodeIndex) -> None:
    (mention,) = index.mentions("`close` does nothing")
    assert mention.is_ambiguous
    assert mention.places == (
        Place("src/shop/cli.py", "close"),
        Place("src/shop/rows.py", "RowReader.close"),
    )


def test_frames_of_a_traceback_are_found_on_another_machine_and_version(index: CodeIndex) -> None:
    text = (
        "Traceback (most recent call last):\n"
        '  File "C:\\Python\\Lib\\site-packages\\shop\\rows.py", line 70, in read_rows\n'
        '  File "/usr/lib/python3.12/json/decoder.py", line 5, in decode\n'
        '  File "/home/a/venv/site-packages/shop/cli.py", line 7, in somewhere\n'
    )
    assert index.mentions(text) == [
        Mention(
            "frame",
            'File "C:\\Python\\Lib\\site-packages\\shop\\rows.py", line 70, in read_rows',
            (READ_ROWS,),
            70,
        ),
        Mention(
            "frame",
            'File "/home/a/venv/site-packages/shop/cli.py", line 7, in somewhere',
            (Place("src/shop/cli.py", ""),),
            7,
        ),
    ]


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("/home/a/project/tool.py", "tool.py"),
        ("/usr/lib/python3/site-packages/tool.py", "tool.py"),
        ("/usr/lib/python3/site-packages/other/tool.py", None),
        ("/usr/lib/python3/site-packages/other/rows.py", None),
        ("shop/rows.py", "src/shop/rows.py"),
    ],
)
def test_a_frame_of_another_library_is_not_taken_for_ours(written: str, path: str | None) -> None:
    index = CodeIndex({**SOURCES, "tool.py": names_in("x = 1\n")}, frozenset())
    mentions = index.mentions(f'File "{written}", line 1, in <module>')
    assert [place.path for one in mentions for place in one.places] == ([path] if path else [])


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    CodeIndex(SOURCES, frozenset()).mentions(text)


DATES = """
def parse(text):
    def split_fields(part):
        return part
    return split_fields(text)


class ISODate:
    def to_text(self): return ""
    def at_midnight(self): return self


class ShortDate:
    def to_text(self): return ""


def to_text(date): return date.to_text()


def reset_clock(): return None
"""


@pytest.fixture(scope="module")
def dates() -> CodeIndex:
    return CodeIndex({"calendars/dates.py": names_in(DATES)}, ["a/models.py", "b/models.py"])


@pytest.mark.parametrize(
    ("text", "functions"),
    [
        ("to_text(x) fails", ["to_text"]),  # no method is called without a dot
        ("my_day.at_midnight() fails", ["ISODate.at_midnight"]),
        ("calendars.reset_clock() fails", ["reset_clock"]),
        ("import calendars.dates as cd\ncd.parse(1)", ["parse"]),
        ("it is in reset_clock.", ["reset_clock"]),
        ("an ISODate of mine", [""]),
        ("ISODate.now is missing", [""]),
        ("parse(reset_clock=1)", ["parse"]),  # the name of an argument
        ("def reset_clock(): pass", ["reset_clock"]),  # quoted from here: only one has the name
        ("class X:\n    def to_text(self): pass\n`to_text`", []),  # the writer's own
        ("func() and cls.make()", []),
        ("what models.py says", ["", ""]),
        ("my settings.py", []),
    ],
)
def test_names_mean_what_they_could_be_called_as(
    dates: CodeIndex, text: str, functions: list[str]
) -> None:
    places = [place for mention in dates.mentions(text) for place in mention.places]
    assert [place.function for place in places] == functions


@pytest.mark.parametrize(
    ("line", "name", "functions"),
    [
        (900, "split_fields", ["parse"]),  # inside of it
        (9, "to_text", ["ISODate.to_text"]),  # the line tells which
        (900, "to_text", ["ISODate.to_text", "ShortDate.to_text", "to_text"]),
        (900, "gone_meanwhile", [""]),
        (3, "<module>", [MODULE]),
    ],
)
def test_the_function_of_a_frame_is_told_by_its_name(
    dates: CodeIndex, line: int, name: str, functions: list[str]
) -> None:
    text = f'  File "/x/site-packages/calendars/dates.py", line {line}, in {name}'
    (mention,) = dates.mentions(text)
    assert [place.function for place in mention.places] == functions
