"""The outbox: an approved story as files, one for each channel, ready to be carried away."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from copydesk.agent.errors import CopydeskError
from copydesk.agent.stories.channels.sites import file_name, filled
from copydesk.agent.stories.publish import CHANNELS, Publication, channel_text

NO_PNG = "no-png.txt"
_NO_PNG_TEXT = (
    "No PNG of the pictures: nothing that renders one is installed. pip install 'copydesk[png]'\n"
)


def outbox_files(publication: Publication) -> dict[str, bytes]:
    """The files of a story's folder in the outbox, by their names in it.

    A channel for which the story has nothing is left out.
    """
    files: dict[str, bytes] = {}
    for channel in CHANNELS:
        try:
            text = channel_text(channel, publication)
        except CopydeskError:
            continue
        files["thread.json" if channel == "discord" else f"{channel}.md"] = text.encode()
    for picture in publication.story.pictures:
        name = file_name(picture.name)
        files[f"pictures/{name}.svg"] = picture.svg.encode()
        if picture.png is not None:
            files[f"pictures/{name}.png"] = picture.png
        else:
            files[f"pictures/{NO_PNG}"] = _NO_PNG_TEXT.encode()
    return files


def outbox_name(publication: Publication) -> str:
    """The name of a story's folder in the outbox."""
    return filled("@date-@slug", publication.story, publication.post)


def write_outbox(folder: Path, files: Mapping[str, bytes]) -> dict[str, str]:
    """Write the files of a story.

    Args:
        folder: The story's folder in the outbox.
        files: What `outbox_files` gave.

    Returns:
        The SHA-256 of each file, by its name, for `remove_outbox`.
    """
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = path.with_name(f"{path.name}.partial")
        partial.write_bytes(content)
        partial.replace(path)
    return {name: sha256(content) for name, content in files.items()}


def remove_outbox(folder: Path, written: Mapping[str, str]) -> None:
    """Remove what was written of a story and not changed since, and its folder if it is empty."""
    for name, digest in written.items():
        path = folder / name
        if path.is_file() and sha256(path.read_bytes()) == digest:
            path.unlink()
    for empty in (folder / "pictures", folder):
        if empty.is_dir() and not any(empty.iterdir()):
            empty.rmdir()


def sha256(content: bytes) -> str:
    """The hash of a file's content."""
    return hashlib.sha256(content).hexdigest()
