"""A voice as a file that its author edits: TOML, the evidence for each line behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from copydesk.agent.desk.voice import VoiceLine
from copydesk.agent.errors import CopydeskError
from copydesk.agent.stories.voice.records import KEYS, LISTS, MEANINGS
from copydesk.agent.text import clean

_HEAD = """\
How you write, as stories are written. Change what you like: a line that you changed stays as it
is, whatever is learnt later; one that you empty is left out of stories. Delete a line, and it is
learnt again."""
_MEANT = {
    "new": "What is new",
    "changed": "What changed",
    "fixed": "What is fixed",
    "asked": "You asked, we did",
    "said": "What readers said",
    "why": "Why",
    "tests": "How it was tested",
    "examples": "Examples",
    "desk": "On the desk",
    "behind": "Behind it",
}
"""The headings that are the template's own."""


def to_toml(lines: Mapping[str, VoiceLine]) -> str:
    """Write the lines of a voice for its author.

    Args:
        lines: Those that were learnt or chosen, by their key.
    """
    import tomlkit

    document = tomlkit.document()
    for line in _HEAD.split("\n"):
        document.add(tomlkit.comment(line))
    headings = tomlkit.table()
    for key in KEYS:
        if key not in lines:
            continue
        value = tomlkit.item(lines[key].value)
        comment = _behind(lines[key])
        if key in MEANINGS:
            value.comment(f"for “{_MEANT[key]}”: {comment}")
            headings.add(key, value)
        else:
            value.comment(comment)
            document.add(key, value)
    if headings:
        document.add("headings", headings)
    return tomlkit.dumps(document)


def _behind(line: VoiceLine) -> str:
    """What stands behind a line of the file."""
    evidence = clean(line.evidence, keep="")
    if not line.is_chosen:
        return evidence
    return f"yours; learnt: {line.learnt!r}, {evidence}" if evidence else "yours"


def from_toml(text: str) -> dict[str, Any]:
    """Read what its author made of the file.

    Returns:
        The values by key; the headings by their meaning.

    Raises:
        CopydeskError: It is no TOML, or holds a line that a voice does not have.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        values = dict(tomlkit.parse(text).unwrap())
    except TOMLKitError as error:
        raise _wrong(str(error)) from error
    headings = values.pop("headings", {})
    if not isinstance(headings, dict):
        raise _wrong("headings is a table")
    for key in (*values, *headings):
        if key not in KEYS or (key in MEANINGS) != (key in headings):
            raise _wrong(f"there is no line {key!r}")
    return {key: _checked(key, value) for key, value in (values | headings).items()}


def _checked(key: str, value: Any) -> Any:
    """A value as it is kept.

    Raises:
        CopydeskError: The line cannot have it.
    """
    if not _fits(key, value):
        raise _wrong(f"{key} = {value!r} is not a value it can have")
    if isinstance(value, list):
        return [_line(word) for word in value if word.strip()]
    return _line(value) if isinstance(value, str) else value


def _fits(key: str, value: Any) -> bool:
    """Whether a line can have a value."""
    if key == "sentence_words":
        return type(value) is int and 0 <= value <= 200
    if key in LISTS:
        return isinstance(value, list) and all(isinstance(word, str) for word in value)
    return isinstance(value, str) and (key != "person" or value in ("I", "we", ""))


def _line(text: str) -> str:
    return clean(" ".join(text.split()), keep="")


def _wrong(why: str) -> CopydeskError:
    return CopydeskError(
        f"the voice cannot be read: {why}",
        slug="bad-voice",
        hint="Nothing was changed. `copydesk voice --edit` opens it again as it is kept.",
    )
