"""The front matter of a page: what site generators read before its text."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

MOST_READ = 65_536
"""Characters of a file in which its front matter ends."""


def split_front_matter(text: str) -> tuple[Mapping[str, Any], str]:
    """The fields of a page's front matter, and the text below it.

    Args:
        text: The page; YAML stands between lines of `---`, TOML between lines of `+++`.

    Returns:
        No fields where there is no front matter, or none that can be read.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    mark = text[:3]
    if mark not in ("---", "+++"):
        return {}, text
    block, _, body = text[3:].partition(f"\n{mark}")
    try:
        fields = tomllib.loads(block) if mark == "+++" else YAML(typ="safe").load(block)
    except (ValueError, YAMLError, RecursionError):
        fields = {}
    return (fields if isinstance(fields, dict) else {}), body.partition("\n")[2]
