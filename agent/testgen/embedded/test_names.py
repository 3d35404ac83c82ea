"""What a test of a recorded call is named: test_<subject>_<what it does>_<for what input>."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from copydesk.agent.testgen.embedded.call_source import Subject
from copydesk.agent.testgen.embedded.case import Case
from copydesk.agent.testgen.embedded.words import describe, quoted_words, slug

MAX_NAME = 100
_FLAGS = ("True", "False")
MAX_WORDS = 3
"""Arguments, and keywords, that a name tells of."""


def unique(name: str, names: set[str], more: str = "") -> str:
    """The name; when another test has it already, with more words behind it, else a number.

    Args:
        name: The name to begin with.
        names: Those of other tests; the chosen one is added.
        more: The words to add.
    """
    chosen, number = name, 2
    if chosen in names and more and not name.endswith(more):
        chosen = name = f"{name[: MAX_NAME - len(more) - 1].rstrip('_')}_{more}"
    while chosen in names:
        chosen, number = f"{name}_{number}", number + 1
    names.add(chosen)
    return chosen


def test_name(subject: Subject, case: Case) -> str:
    """test_<subject>_<what it does>_<for what input>."""
    if case.condition and not case.patches and not case.setup:
        words = case.outcome.words_when(case.condition)
    else:
        words = case.outcome.test_words(subject, _inputs(subject, case))
    return _cut(f"test_{subject.words}_{words}")


def _cut(name: str) -> str:
    """A name of at most MAX_NAME characters, without a part of a word at its end."""
    if len(name) <= MAX_NAME:
        return name.rstrip("_")
    return name[: MAX_NAME + 1].rpartition("_")[0].rstrip("_")


def _inputs(subject: Subject, case: Case) -> str:
    """The input of a call in words, and what was done to the object before."""
    names = subject.argument_names(len(case.arguments))
    pairs = list(zip(names, case.arguments, strict=True))
    described = [describe(text, name) for name, text in pairs if text not in _FLAGS]
    flags = [(name, text) for name, text in pairs if text in _FLAGS]
    words = "_and_".join(filter(None, described[:MAX_WORDS])) + _keywords([*flags, *case.keywords])
    words = "_".join(filter(None, [words, _options(case.receiver or "")])).strip("_")
    words = "_and_".join(filter(None, [words, *_patches(case)]))
    return "_".join(filter(None, [words, _last_step(case)]))


def _keywords(pairs: Sequence[tuple[str, str]]) -> str:
    """_with_limit_3_and_no_suffix."""
    words = ""
    for number, (name, text) in enumerate(pairs[:MAX_WORDS]):
        if text == "False":
            words += f"_and_no_{name}" if number else f"_without_{name}"
            continue
        words += "_and_" if number else "_with_"
        words += f"no_{name}" if text == "None" else name
        if text not in ("True", "None") and slug(text):
            words += f"_{slug(text)}"
    return words


def _last_step(case: Case) -> str:
    """after_append for an object on which that method was called last; empty for a fresh one."""
    if not case.setup:
        return ""
    method = case.setup[-1][0]
    if method.endswith("="):
        return f"after_setting_{method[:-1]}"
    return "after_setting_an_item" if method == "__setitem__" else f"after_{method.strip('_')}"


def _patches(case: Case) -> list[str]:
    """What was put around a call: the words of a command line, a variable."""
    words = []
    for name, text in case.patches:
        if name == "sys.argv":
            arguments = filter(None, map(slug, quoted_words(text)[1:]))
            words.append("_".join(arguments) or "no_arguments")
        elif name == "sys.stdin":
            words.append(slug(text.removeprefix("StringIO")[1:-1]) or "no_input")
        elif name.startswith("file:"):
            words.append(f"a_{slug(name[5:])}_file")
        elif name.startswith("env:"):
            value = "unset" if text == "None" else slug(text) or "empty"
            words.append(f"{name[4:].lower()}_{value}")
    return words[:2]


def _options(receiver: str) -> str:
    """with_mode_fast for an object that was made with that option; empty for none."""
    try:
        node = ast.parse(receiver, mode="eval").body
    except SyntaxError:
        return ""
    keywords = node.keywords if isinstance(node, ast.Call) else []
    values = [(keyword.arg, slug(ast.unparse(keyword.value))) for keyword in keywords]
    words = [f"{name}_{value}" for name, value in values if value]
    return "with_" + "_and_".join(words[:2]) if words else ""
