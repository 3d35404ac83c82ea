"""What a recorded call is, and what a test of it is called."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

MAX_NAME = 100
MAX_ITEMS = 5
_JOINED = ("with", "after")
"""How words begin that need no "of" or "for" before them."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The function under test: how it is imported, called, and what its parameters are named."""

    module: str
    owner: str
    name: str
    shape: str
    parameters: tuple[str, ...]

    @property
    def imported(self) -> str:
        """The name that the test module imports."""
        return self.owner or self.name

    @property
    def words(self) -> str:
        """The subject's part of a test name."""
        name = self.name.strip("_")
        if self.shape == "construct":
            return snake(self.owner)
        return f"{snake(self.owner)}_{name}" if self.owner else name


@dataclass(frozen=True, slots=True)
class Case:
    """One recorded call, every text of it checked and written by the host."""

    receiver: str | None
    arguments: tuple[str, ...]
    keywords: tuple[tuple[str, str], ...]
    kind: str
    expected: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    message: str = ""
    argument: int = 0
    wrap: str = ""
    warns: str = ""
    names: tuple[tuple[str, str], ...] = ()
    setup: tuple[tuple[str, tuple[str, ...]], ...] = ()
    then: tuple[tuple[str, ...], ...] = ()
    code: int = 0
    view: str = ""
    patches: tuple[tuple[str, str], ...] = ()
    after: str = ""

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts of all its inputs."""
        own = (self.receiver,) if self.receiver is not None else ()
        later = [text for row in (*(row for _, row in self.setup), *self.then) for text in row]
        named = [value for _, value in (*self.keywords, *self.patches)]
        return (*own, *self.arguments, *named, *later)

    @property
    def uses_receiver(self) -> bool:
        """Whether an argument is what another method of the same object returns."""
        made = self.receiver is not None and f"{self.receiver}."
        return bool(made) and any(text.startswith(str(made)) for text in self.arguments)


def argument_names(subject: Subject, case: Case) -> list[str]:
    """The parameter names of a call's positional arguments."""
    names = list(subject.parameters[: len(case.arguments)])
    missing = len(case.arguments) - len(names)
    return names + [f"argument_{i + 1 + len(names)}" for i in range(missing)]


def snake(name: str) -> str:
    """CamelCase as snake_case."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def unique(name: str, taken: set[str], more: str = "") -> str:
    """The name; when another test has it already, with more words behind it, else a number."""
    chosen, number = name, 2
    if chosen in taken and more and not name.endswith(more):
        chosen = name = f"{name[: MAX_NAME - len(more) - 1].rstrip('_')}_{more}"
    while chosen in taken:
        chosen, number = f"{name}_{number}", number + 1
    taken.add(chosen)
    return chosen


def difference(case: Case) -> str:
    """What a call came to, in words that tell its test from another of the same input words."""
    if case.kind in ("state", "receiver"):
        said = [(name.strip("()"), _slug(text)) for name, text in case.fields]
        words = [f"{name}_{text}" for name, text in said if text]
        return f"with_{'_and_'.join(words[:2])}" if words else ""
    if case.kind == "raises":
        return _slug(f'"{" ".join(case.message.split()[:4])}"') if case.message else ""
    if case.kind in ("value", "repr", "view"):
        slug = _slug(case.expected)
        return f"gives_{slug or _noun(case.expected)}"
    return ""


def test_name(subject: Subject, case: Case) -> str:
    """test_<subject>_<what it does>_<for what input>."""
    if case.kind == "invokes":
        return f"test_{subject.words}{_command_words(case)}"[:MAX_NAME].rstrip("_")
    given = _given(subject, case)
    outcome = _outcome(case)
    if case.setup:
        step = case.setup[-1][0]
        done = {"__setitem__": "setting_an_item"}.get(step, step.strip("_"))
        given = f"{given}_after_{done}" if given else f"after_{done}"
    if outcome == "of" and given.startswith(_JOINED):
        words = given
    elif outcome in ("of", "rejects"):
        given = given.removeprefix("with_")
        words = f"{outcome}_{given}" if given else "" if outcome == "of" else "rejects_the_call"
    else:
        joint = "" if given.startswith(_JOINED) else "for_"
        words = f"{outcome}_{joint}{given}" if given else outcome
    if outcome == "of" and not given:
        words = _plain_outcome(subject, case)
    return f"test_{subject.words}_{words}"[:MAX_NAME].rstrip("_")


def _plain_outcome(subject: Subject, case: Case) -> str:
    """What a call without arguments comes to."""
    if case.kind == "state":
        names = [name for name, _ in case.fields[:2] if name.isidentifier()]
        verb = "starts_with" if subject.shape == "construct" else "has"
        return f"{verb}_{'_and_'.join(names) or 'these_contents'}"
    return f"returns_{_slug(case.expected) or _noun(case.expected)}"


def _noun(text: str) -> str:
    """What kind of thing a literal is: a_list, a_text, a_timedelta."""
    try:
        node = ast.parse(text, mode="eval").body
    except SyntaxError:
        return "its_result"
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        many = len(node.elts)
        return f"{many}_items" if many != 1 else "one_item"
    if isinstance(node, ast.Dict):
        many = len(node.keys)
        return f"{many}_entries" if many != 1 else "one_entry"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return f"a_{snake(node.func.id)}"
    return "this_text" if isinstance(node, ast.Constant) and node.value else "its_result"


def _command_words(case: Case) -> str:
    """What a command line says, and how it ends when that is not well."""
    said = re.findall(r'"([^"]*)"', case.arguments[0])
    words = "_".join(filter(None, (_slug(quoted.rpartition(".")[0] or quoted) for quoted in said)))
    ending = "" if not case.code else f"_exits_with_{case.code}"
    return (f"_{words}" if words else "") + ending


def _outcome(case: Case) -> str:
    if case.kind == "raises":
        rejected = (
            case.expected.endswith(("ValueError", "DecodeError")) or "Invalid" in case.expected
        )
        return "rejects" if rejected else f"raises_{snake(case.expected)}"
    if case.kind == "prints":
        return f"prints_{_slug(case.expected) or 'its_output'}"
    if case.kind == "changes":
        return "changes_its_argument"
    if case.kind == "receiver":
        names = [name for name, _ in case.fields[:2] if name.isidentifier()]
        return "updates_" + ("_and_".join(names) or "its_contents")
    if case.kind == "value" and case.expected in ("None", "True", "False"):
        return f"returns_{case.expected.lower()}"
    empty = {
        '""': "empty_text",
        "[]": "an_empty_list",
        "{}": "an_empty_dict",
        "set()": "an_empty_set",
    }
    if case.kind == "value" and case.expected in empty:
        return f"returns_{empty[case.expected]}"
    return "of"


def _given(subject: Subject, case: Case) -> str:
    names = argument_names(subject, case)
    words = [describe(text, name) for text, name in zip(case.arguments, names, strict=True)]
    given = "_and_".join(word for word in words[:3] if word)
    for number, (name, text) in enumerate(case.keywords[:3]):
        joint = "and" if number else "with"
        if text == "False":
            given += f"_{joint}out_{name}" if joint == "with" else f"_and_no_{name}"
        elif text in ("True", "None") or not _slug(text):
            given += f"_{joint}_{'no_' if text == 'None' else ''}{name}"
        else:
            given += f"_{joint}_{name}_{_slug(text)}"
    given = "_".join(filter(None, [given, _made(case.receiver or "")]))
    return "_and_".join(filter(None, [given.strip("_"), *_around(case)]))


def _around(case: Case) -> list[str]:
    """What was put around a call: the words of a command line, a variable."""
    words = []
    for name, text in case.patches:
        if name == "sys.argv":
            said = [_slug(one) for one in re.findall(r'"([^"]*)"', text)[1:]]
            words.append("_".join(filter(None, said)) or "no_arguments")
        elif name.startswith("env:"):
            ending = "unset" if text == "None" else _slug(text) or "empty"
            words.append(f"{name[4:].lower()}_{ending}")
        elif name == "sys.stdin":
            words.append(_slug(text.removeprefix("StringIO")[1:-1]) or "no_input")
    return words[:2]


def _made(receiver: str) -> str:
    """with_mode_fast for an object that was made with that option; empty for none."""
    try:
        node = ast.parse(receiver, mode="eval").body
    except SyntaxError:
        return ""
    words = node.keywords if isinstance(node, ast.Call) else []
    said = [f"{word.arg}_{slug}" for word in words if (slug := _slug(ast.unparse(word.value)))]
    return "with_" + "_and_".join(said[:2]) if said else ""


def describe(text: str, name: str) -> str:
    """A few words for an input: empty_text, negative_amount, nan, hello_world."""
    fixed = {'""': "empty_text", "None": f"no_{name}", "[]": f"empty_{name}", "{}": f"empty_{name}"}
    fixed |= {'float("nan")': "nan", 'float("inf")': "infinity", 'float("-inf")': "minus_infinity"}
    fixed |= {"()": f"empty_{name}", "set()": f"empty_{name}", "0": "zero", "0.0": "zero"}
    if text in fixed:
        return fixed[text].strip("_")
    if text in ("True", "False"):
        return f"{name}_{text.lower()}"
    if re.fullmatch(r"-[\d.e+]+", text):
        return f"minus_{_slug(text)}"
    if text.startswith("tmp_path"):
        return {"missing": "a_missing_file", "empty": "an_empty_file"}.get(
            text.split('"')[1].split(".")[0], f"a_{text.rsplit('.', 1)[-1].strip(chr(34))}_file"
        )
    if re.match(r"[A-Z]\w*\(|lambda ", text):
        return name.strip("_")
    return _slug(text) or _items(text) or name.strip("_")


def _items(text: str) -> str:
    """The items of a short display, joined: abc_max_3 of ["abc", "--max", "3"]."""
    if text[:1] not in "[{(":
        return ""
    try:
        node = ast.parse(text, mode="eval").body
    except SyntaxError:
        return ""
    parts = list(getattr(node, "elts", []))
    if isinstance(node, ast.Dict):
        parts = [part for pair in zip(node.keys, node.values, strict=True) for part in pair]
    if not 0 < len(parts) <= MAX_ITEMS or not all(isinstance(p, ast.Constant) for p in parts):
        return ""
    return _slug(" ".join(str(part.value) for part in parts if isinstance(part, ast.Constant)))


def _slug(text: str) -> str:
    """Letters and digits of a short text joined by underscores; empty when it is no short text."""
    if len(text) > 34 or text[:1] in "[{(":
        return ""
    text = re.sub(r"^b(?=[\"'])", "", text)
    words = re.findall(r"[a-z0-9]+", re.sub(r"\\[a-z]", " ", text).lower())
    slug = "_".join(words)
    return slug if len(slug) <= 30 else ""
