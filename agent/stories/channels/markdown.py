"""Text from outside as Markdown, in the dialect of whatever will render it.

Subjects, notes, names and what a model wrote can neither mark up the page nor start a tag, a link,
a mention or an expression of a site's template language.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from copydesk.agent.text import clean

_CODE_SPAN = re.compile(r"(`[^`]+`)")
_SPECIAL = re.compile(r"[\\`*_{}\[\]<>#|~&!$^]|-(?=-)|(?<=\{)%")
_LINE_START = re.compile(r"^(\s*)(?:([-+=>:])|(\d+)([.)]))")
_LINKED = re.compile(
    r"(?:https?|ftp)://[^\s`]+"
    r"|\bwww\.[^\s`]+"
    r"|\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    r"|(?<![\w`])@[\w-]+(?:/[\w-]+)*"
    r"|\b[\w.-]+/[\w.-]+#\d+",
    re.IGNORECASE,
)
"""What GitHub, Discord and the generators turn into a link or a mention by themselves."""

_AFTER_LINK = re.compile(r"[.,;:!?)\]}'\"”’]+$")
_PLAIN_ADDRESS = re.compile(r"https?://[\w.~:/?#@!&=+%-]+", re.ASCII)


class Dialect(NamedTuple):
    """How a target reads Markdown.

    Attributes:
        name: What it is called.
        template: What its template language acts on, in code as well; None where it has none.
        entities: Characters that no backslash takes the meaning of, each with what stands for it.
        raw: What opens and closes a stretch that the template language leaves alone, if anything.
        modules: Whether a paragraph may be read as JavaScript (MDX).
    """

    name: str
    template: re.Pattern[str] | None
    entities: dict[str, str]
    raw: tuple[str, str] | None = None
    modules: bool = False


_ANY_TEMPLATE = re.compile(r"\{[{%#]")

GITHUB = Dialect("GitHub", _ANY_TEMPLATE, {})
HUGO = Dialect("Hugo", re.compile(r"\{\{[<%]"), {})
JEKYLL = Dialect(
    "Jekyll",
    re.compile(r"\{[{%]"),
    {"&": "&amp;", "^": "&#94;", "%": "&#37;", "{": "&#123;", "}": "&#125;"},
    raw=("{% raw %}", "{% endraw %}"),
)
ASTRO = Dialect("Astro", None, {}, modules=True)
ZOLA = Dialect("Zola", re.compile(r"\{[{%#]"), {})
DISCORD = Dialect("Discord", None, {"://": r"\://"})


def escape(text: str, dialect: Dialect = GITHUB, links: Sequence[str] = ()) -> str:
    """Escape text for one line of Markdown; code between backticks stays code.

    Args:
        text: One line; control characters are shown escaped, line breaks become blanks.
        dialect: What will render it.
        links: Web addresses below which a link may lead; every other address is shown as code.
    """
    line = clean(" ".join(text.split()), keep="")
    shown = "".join(
        _code(part, dialect) if number % 2 else _prose(part, dialect, links)
        for number, part in enumerate(_CODE_SPAN.split(line))
    )
    return _module_start(_LINE_START.sub(_start, shown), dialect)


def allowed_link(address: str, links: Sequence[str]) -> bool:
    """Whether a web address is one that the user's configuration names, or below one."""
    if not _PLAIN_ADDRESS.fullmatch(address):
        return False
    return any(address == link or address.startswith(link.rstrip("/") + "/") for link in links)


def fence(code: str, info: str, dialect: Dialect = GITHUB) -> str:
    """A block of code; as escaped lines where the target's template language would act on it.

    Args:
        code: What stands in it; control characters but tabs are shown escaped.
        info: The language's name.
        dialect: What will render it.
    """
    text = clean(code).rstrip("\n")
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    marks = "`" * max(3, longest + 1)
    block = f"{marks}{info}\n{text}\n{marks}"
    if dialect.template is None or not dialect.template.search(text):
        return block
    if dialect.raw is not None and "endraw" not in text:
        return f"{dialect.raw[0]}\n{block}\n{dialect.raw[1]}"
    return "  \n".join(_indented(line, dialect) for line in text.split("\n"))


def _indented(line: str, dialect: Dialect) -> str:
    """A line of code as escaped text that keeps its indentation."""
    depth = len(line) - len(line.lstrip())
    shown = _escaped(line.replace("\t", "    ").strip(), dialect)
    return "&nbsp;" * depth + _LINE_START.sub(_start, shown)


def _code(span: str, dialect: Dialect) -> str:
    """A code span; what stands in it as text where a template language would act on it."""
    if dialect.template is None or not dialect.template.search(span):
        return span
    return _escaped(span, dialect)


def _prose(text: str, dialect: Dialect, links: Sequence[str]) -> str:
    parts = []
    position = 0
    for match in _LINKED.finditer(text):
        address = _AFTER_LINK.sub("", match[0])
        parts.append(_escaped(text[position : match.start()], dialect))
        if allowed_link(address, links):
            parts.append(f"<{address}>")
        else:
            parts.append(_code(f"`{address}`", dialect))
        position = match.start() + len(address)
    return "".join([*parts, _escaped(text[position:], dialect)])


def _escaped(text: str, dialect: Dialect) -> str:
    def shown(match: re.Match[str]) -> str:
        return dialect.entities.get(match[0], f"\\{match[0]}")

    # the colon: where a code span had to become text, its address is still no link
    return _SPECIAL.sub(shown, text).replace("://", dialect.entities.get("://", "&#58;//"))


def _start(match: re.Match[str]) -> str:
    blank, mark, digits, dot = match.groups()
    return f"{blank}\\{mark}" if mark else f"{blank}{digits}\\{dot}"


def _module_start(line: str, dialect: Dialect) -> str:
    """Keep MDX from reading a paragraph as `import` or `export`."""
    if dialect.modules and re.match(r"(?:import|export)\b", line):
        return f"&#{ord(line[0])};{line[1:]}"
    return line
