"""What came of a comparison, in the words of the command, the report and the log."""

from __future__ import annotations

from collections.abc import Iterator

from copydesk.agent.desk.comparisons import ComparisonRow
from copydesk.agent.records import Json
from copydesk.agent.text import one_line, plural


def summary(row: ComparisonRow) -> Iterator[str]:
    """The verdict on a function, and below it what shows it; a line each."""
    yield f"{row.name}: {headline(row)}"
    detail = row.detail
    for difference in detail.get("differences") or ():
        yield f"  {difference_words(difference)}"
    for caller in detail.get("callers") or ():
        yield f"  called at {caller}"
    unstable = detail.get("unstable") or ()
    for words in unstable[:3]:
        yield f"  left out: {one_line(words, 200)}"
    if len(unstable) > 3:
        yield f"  left out: {plural(len(unstable) - 3, 'more call')}"


def headline(row: ComparisonRow) -> str:
    """The verdict in one line."""
    detail = row.detail
    match row.verdict:
        case "same":
            inputs = plural(int(detail["inputs"]), "input")
            return f"the same on {inputs} that reach every changed line"
        case "differs":
            news = f"announced: {row.announced}" if row.announced else "the commit does not say so"
            return f"differs ({news})"
        case "signature":
            return f"refuses calls that it took before: {detail['reason']}"
        case "not compared":
            return f"could not be compared: {detail['reason']}"
    return row.verdict


def difference_words(difference: Json) -> str:
    """One difference, as a sentence: what the call did, and what it does now."""
    call, before, after = (str(difference[name]) for name in ("call", "before", "after"))
    more = int(difference.get("count", 1)) - 1
    others = f" (and {plural(more, 'call')} like it)" if more else ""
    if difference["kind"] in ("value", "inner state") and not before.startswith("left "):
        return one_line(f"{call} gave {before}, gives {after}{others}", 400)
    if difference["kind"] == "raises now":
        error = after.removeprefix("raised ")
        return one_line(f"{call} gave {before}, raises {error} now{others}", 400)
    if difference["kind"] == "raises no longer":
        return one_line(f"{call} {before}, gives {after}{others}", 400)
    return one_line(f"{call} {before}, now {after.removeprefix('raised ')}{others}", 400)
