"""The model card for people: what was learned from, every rival's figures, the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def markdown(card: Mapping[str, Any]) -> str:
    """A card as Markdown.

    Args:
        card: Needs `title`, `predicts`, `about` (name to value), `figures` (model to figure name
            to number), `in_force`, `why`, `limits`; `inputs` where there are any.
    """
    parts = [f"# {card['title']}", str(card["predicts"])]
    parts.append("\n".join(f"- {name}: {_plain(value)}" for name, value in card["about"].items()))
    if card["figures"]:
        parts.append(table(card["figures"], str(card["in_force"])))
    parts.append(f"**In force: {card['in_force']}.**\n")
    parts.append("\n".join(f"- {reason}" for reason in card["why"]))
    if card.get("inputs"):
        parts.append(f"It looks at: {_plain(card['inputs'])}.")
    parts.append("## Limits")
    parts.append("\n".join(f"- {limit}" for limit in card["limits"]))
    return "\n\n".join(parts) + "\n"


def table(figures: Mapping[str, Mapping[str, Any]], in_force: str) -> str:
    """Figures by model as a Markdown table; the model in force is bold."""
    heads = list(dict.fromkeys(name for by_name in figures.values() for name in by_name))
    lines = [f"| model | {' | '.join(heads)} |", "| --- |" + " ---: |" * len(heads)]
    for name, by_name in figures.items():
        shown = f"**{name}**" if name == in_force else name
        lines.append(f"| {shown} | {' | '.join(_plain(by_name.get(head)) for head in heads)} |")
    return "\n".join(lines)


def _plain(value: object) -> str:
    """A value as it stands in a table or a sentence; a list separated by commas."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, Sequence | set) and not isinstance(value, str):
        return ", ".join(map(str, value))
    return str(value)
