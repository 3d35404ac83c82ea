"""XML exports of any size, read element by element; they hold strangers' text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from copydesk.agent.community.importers.values import LONGEST_TEXT, UnreadableError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


def stream_elements(path: Path, names: frozenset[str]) -> Iterator[Element]:
    """The elements of certain names, each whole, in the order in which they end.

    One that stands inside another of them is part of that one, and not yielded by itself.

    What was yielded is emptied afterwards, so that a large file takes little memory.

    Args:
        path: The file.
        names: Local names, without their namespace.

    Raises:
        UnreadableError: The XML breaks off, is malformed, or declares entities (which could
            read files or grow without limit); what came before was yielded.
    """
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import iterparse

    ancestors: list[Element] = []
    wanted_depth = 0  # how many of the open elements are of these names
    try:
        with path.open("rb") as file:
            for event, element in iterparse(file, events=("start", "end")):
                is_wanted = local_name(element) in names
                if event == "start":
                    ancestors.append(element)
                    wanted_depth += is_wanted
                    continue
                ancestors.pop()
                wanted_depth -= is_wanted
                if is_wanted and not wanted_depth:
                    yield element
                    element.clear()
                    if ancestors:
                        ancestors[-1].remove(element)
    except DefusedXmlException as error:
        raise UnreadableError("it declares entities, which exports do not need") from error
    except (ParseError, ValueError, LookupError) as error:
        raise UnreadableError(f"the XML is damaged from here on: {error}") from error


def local_name(element: Element) -> str:
    """The name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


def child_text(element: Element, name: str) -> str:
    """The text of the first child of a name; "" without one."""
    for child in element:
        if local_name(child) == name:
            return (child.text or "").strip().replace("\0", "")[:LONGEST_TEXT]
    return ""


def attribute(element: Element, name: str) -> str:
    """The attribute of a local name; "" without one."""
    for key, value in element.items():
        if key.rpartition("}")[2] == name:
            return value
    return ""
