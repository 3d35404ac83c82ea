"""Which format a file has, by what it holds."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from copydesk.agent.community.importers.csv_table import header_of, read_csv
from copydesk.agent.community.importers.discord_export import read_discord_export
from copydesk.agent.community.importers.discord_rest import read_discord_rest
from copydesk.agent.community.importers.disqus import read_disqus
from copydesk.agent.community.importers.github import read_github
from copydesk.agent.community.importers.json_stream import stream_events
from copydesk.agent.community.importers.values import UnreadableError
from copydesk.agent.community.importers.wordpress import read_wordpress
from copydesk.agent.community.message import Record

Reader = Callable[[Path], Iterator[Record]]

FORMATS = (
    "DiscordChatExporter JSON, Discord API messages, GitHub discussions, issues, comments or"
    " releases, WordPress WXR, Disqus XML, or CSV with the columns created_at and text"
)

_START = 65_536
_FIRST_EVENTS = 400
_GITHUB_KEYS = frozenset({"data.repository", "node_id", "issue_url", "comments", "reactionGroups"})


class Export(NamedTuple):
    """A file of a known format.

    `format` is what it is in words, `read` the reader of its messages. `holds_channel_whole`:
    between its first and last message nothing is missing, as DiscordChatExporter writes them.
    """

    format: str
    read: Reader
    holds_channel_whole: bool = False


def recognise(path: Path) -> Export:
    """Find the reader for a file.

    Args:
        path: Any file; its name does not count.

    Raises:
        UnreadableError: It has no format that copydesk reads; the text names those.
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        start = file.read(_START).removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start:
        raise UnreadableError("it is empty")
    if start.startswith(b"<"):
        return _recognise_xml(start)
    if start.startswith((b"{", b"[")):
        return _recognise_json(path)
    first_line = start.decode("utf-8", "replace").partition("\n")[0]
    if header_of(first_line):
        return Export("CSV", read_csv)
    raise UnreadableError(f"it is none of: {FORMATS}")


def _recognise_xml(start: bytes) -> Export:
    if b"wordpress.org/export" in start:
        return Export("WordPress export", read_wordpress)
    if b"<disqus" in start:
        return Export("Disqus export", read_disqus)
    raise UnreadableError("it is XML, but neither of WordPress nor of Disqus")


def _recognise_json(path: Path) -> Export:
    prefixes = _first_prefixes(path)
    record_keys = {prefix.removeprefix("item.") for prefix in prefixes}
    if "messages" in prefixes or {"guild.id", "channel.id"} <= prefixes:
        return Export("DiscordChatExporter JSON", read_discord_export, holds_channel_whole=True)
    if "channel_id" in record_keys:
        return Export("Discord API messages", read_discord_rest)
    if record_keys & _GITHUB_KEYS:
        return Export("GitHub JSON", read_github)
    raise UnreadableError(f"it is JSON, but none of: {FORMATS}")


def _first_prefixes(path: Path) -> set[str]:
    """Where the first values of a JSON file stand, in ijson's notation.

    A file that is damaged further on, or even here, is recognised by what can be read.
    """
    prefixes: set[str] = set()
    try:
        for prefix, _, _ in itertools.islice(stream_events(path), _FIRST_EVENTS):
            prefixes.add(prefix)
    except UnreadableError:
        if len(prefixes) < 2:
            raise
    return prefixes
