"""Turn recorded calls into tests that read as a maintainer would write them."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from copydesk.agent.testgen.embedded.fixtures import arranged
from copydesk.agent.testgen.embedded.render_values import expected_float, quoted
from copydesk.agent.testgen.embedded.test_names import (
    Case,
    Subject,
    argument_names,
    difference,
    snake,
    test_name,
    unique,
)

WIDTH = 88
_STANDARD = sys.stdlib_module_names
_NAMED = re.compile(r"\w+(\.\w+)*(\(\))?(\.\w+)*|\w+\(\w+\)")
"""A value that is at hand by its name: result, cart.items, dict(cart), capsys.readouterr().out."""
MAX_MATCH = 44
"""Characters of an exception's message that a test asks for."""
TAKE = 10
"""Items asserted of a long generator; the search takes as many."""


@dataclass(frozen=True, slots=True)
class Test:
    """One test function."""

    name: str
    lines: tuple[str, ...]
    cases: tuple[Case, ...]


HELPERS = {
    "stream": """async def stream(*items):
    for item in items:
        yield item""",
    "collect": """async def collect(items):
    return [item async for item in items]""",
    "collect_some": f"""async def collect_some(items):
    taken = []
    async for item in items:
        taken.append(item)
        if len(taken) == {TAKE}:
            return taken""",
}
UNARY = {
    "__len__": "len({})", "__repr__": "repr({})", "__str__": "str({})", "__bool__": "bool({})",
    "__iter__": "iter({})", "__int__": "int({})", "__float__": "float({})", "__neg__": "-{}",
    "__abs__": "abs({})", "__reversed__": "reversed({})",
}  # fmt: skip
BINARY = {
    "__eq__": "{} == {}", "__ne__": "{} != {}", "__lt__": "{} < {}", "__le__": "{} <= {}",
    "__gt__": "{} > {}", "__ge__": "{} >= {}", "__add__": "{} + {}", "__sub__": "{} - {}",
    "__mul__": "{} * {}", "__truediv__": "{} / {}", "__floordiv__": "{} // {}",
    "__mod__": "{} % {}", "__and__": "{} & {}", "__or__": "{} | {}", "__xor__": "{} ^ {}",
}  # fmt: skip


def module_text(subject: Subject, cases: Sequence[Case]) -> tuple[str, tuple[str, ...]]:
    """A whole test module for the recorded calls of one function.

    Returns:
        The text and the names of its test functions, in order.
    """
    tests = _tests(subject, cases)
    body = "\n\n\n".join("\n".join(test.lines) for test in tests)
    helpers = [text for name, text in HELPERS.items() if re.search(rf"\b{name}\(", body)]
    body = "\n\n\n".join([*helpers, body])
    text = f"{_imports(subject, tests, body)}\n\n\n{body}\n"
    return text, tuple(test.name for test in tests)


def _tests(subject: Subject, cases: Sequence[Case]) -> list[Test]:
    groups: dict[object, list[Case]] = {}
    for number, case in enumerate(cases):
        groups.setdefault(_row_shape(case) or number, []).append(case)
    taken: set[str] = set()
    tests: list[Test] = []
    for group in groups.values():
        if len(group) >= 3:
            tests.append(_table(subject, group, taken))
        else:
            tests += [_single(subject, case, taken) for case in group]
    return tests


def _row_shape(case: Case) -> object:
    """Cases of equal shape can be rows of one parametrized test; None for those that cannot."""
    once = ("tmp_path", "iter(", "stream(", "StringIO(", "BytesIO(")  # used up by the first run
    spent = any(word in text for text in case.texts for word in once)
    if case.kind != "value" or case.warns or spent or not (case.arguments or case.keywords):
        return None
    if case.patches or case.setup or case.then or case.wrap == "with" or case.uses_receiver:
        return None
    if max(len(text) for text in (*case.texts, case.expected)) > 60 or "nan" in case.expected:
        return None
    is_singleton = case.expected in ("True", "False", "None")
    words = tuple(name for name, _ in case.keywords)
    return (case.receiver, len(case.arguments), words, case.wrap, is_singleton)


def _table(subject: Subject, cases: Sequence[Case], taken: set[str]) -> Test:
    first = cases[0]
    names = [_free(name, subject) for name in argument_names(subject, first)]
    names += [_free(word, subject) for word, _ in first.keywords]
    rows = []
    for case in cases:
        values = [*case.arguments, *(value for _, value in case.keywords), _expected(case)]
        rows.append(f"        ({', '.join(values)}),")
    header = ", ".join(quoted(name) for name in (*names, "expected"))
    positional = names[: len(first.arguments)]
    words = [
        f"{word}={name}"
        for (word, _), name in zip(first.keywords, names[len(first.arguments) :], strict=True)
    ]
    call = _wrapped(_call(subject, first.receiver, [*positional, *words]), first.wrap)
    how = "is" if first.expected in ("True", "False", "None") else "=="
    suffix = "".join(f"_and_{word}" for word, _ in first.keywords).replace("_and_", "_with_", 1)
    name = unique(f"test_{subject.words}{suffix}", taken)
    return Test(
        name,
        (
            "@pytest.mark.parametrize(",
            f"    ({header}),",
            "    [",
            *rows,
            "    ],",
            ")",
            f"def {name}({', '.join((*names, 'expected'))}):",
            *_assertion(call, how, "expected"),
        ),
        tuple(cases),
    )


def _free(name: str, subject: Subject) -> str:
    """A parameter's name, unless it would hide something the test needs."""
    taken = {"request", "expected", "pytest", "asyncio", "itertools", subject.imported}
    return f"{name}_value" if name in taken or name.startswith("_") else name


def _single(subject: Subject, case: Case, taken: set[str]) -> Test:
    name = unique(test_name(subject, case), taken, difference(case))
    fixtures, setup = arranged(case)
    lines = _body(subject, case)
    if case.warns:
        at = next(i for i, line in enumerate(lines) if _is_act(line))
        lines[at:] = [
            f"    with pytest.warns({case.warns}):",
            *("    " + one for one in lines[at:]),
        ]
    return Test(name, (f"def {name}({', '.join(fixtures)}):", *setup, *lines), (case,))


def _is_act(line: str) -> bool:
    return line.startswith("    assert") or "(" in line


def _body(subject: Subject, case: Case) -> list[str]:
    arguments = list(case.arguments)
    words = [f"{name}={value}" for name, value in case.keywords]
    receiver, lines = case.receiver, []
    named = case.kind == "receiver" or case.setup or case.uses_receiver
    if receiver is not None and (len(receiver) > 40 or named):
        receiver = _variable(subject)
        arguments = [one.replace(f"{case.receiver}.", f"{receiver}.") for one in arguments]
        lines += _assigned(receiver, str(case.receiver))
        for step, texts in case.setup:
            lines += _statement("", _step(receiver, step, texts))
    if case.kind == "invokes":
        return _invoked(subject, case)
    if case.kind == "changes":
        changed = _free(argument_names(subject, case)[case.argument], subject)
        lines += _assigned(changed, arguments[case.argument])
        arguments[case.argument] = changed
        called = _wrapped(_call(subject, receiver, [*arguments, *words]), case.wrap)
        seen = _assertion(changed, "==", case.expected)
        if case.wrap == "with":
            after = _assertion(changed, "==", case.after)
            return [*lines, f"    with {called}:", *("    " + one for one in seen), *after]
        return [*lines, *_statement("", called), *seen]
    called = _call(subject, receiver, [*arguments, *words])
    called += "".join(f"({', '.join(row)})" for row in case.then)
    if case.wrap == "with" and case.kind != "raises":
        opened = f"    with {called} as entered:"
        return [*lines, opened, *("    " + one for one in _seen(subject, case, "entered"))]
    call = _wrapped(called, case.wrap)
    if case.kind == "raises":
        match = f", match={_pattern(case.message)}" if case.message else ""
        if case.wrap == "with":
            raising = f"    with pytest.raises({case.expected}{match}), {called}:"
            return [*lines, raising, "        pass"]
        call = call[1:-1] if subject.shape in BINARY and not case.then else call
        inner = ["    " + line for line in _statement("", call)]
        return [*lines, f"    with pytest.raises({case.expected}{match}):", *inner]
    if case.kind == "prints":
        lines += _statement("", call)
        return [*lines, *_assertion("capsys.readouterr().out", "==", case.expected)]
    if case.kind == "receiver":
        lines += _statement("", call)
        return lines + _fields(str(receiver), case)
    return [*lines, *_seen(subject, case, call)]


def _step(receiver: str, step: str, texts: Sequence[str]) -> str:
    if step == "__setitem__":
        return f"{receiver}[{texts[0]}] = {texts[1]}"
    return f"{receiver}.{step}({', '.join(texts)})"


def _invoked(subject: Subject, case: Case) -> list[str]:
    """A click command, started as click's own documentation does it."""
    lines = _assigned("result", f"CliRunner().invoke({subject.name}, {case.arguments[0]})")
    lines.append(f"    assert result.exit_code == {case.code}")
    if case.expected != '""':
        lines += _assertion("result.output", "==", case.expected)
    return lines


def _seen(subject: Subject, case: Case, call: str) -> list[str]:
    """What is asserted of a result, given the expression that makes it."""
    if case.kind == "state":
        result = _variable(subject) if subject.shape == "construct" else "result"
        return [*_assigned(result, call), *_fields(result, case)]
    if case.kind == "view":
        return _assertion(case.view.format(call), "==", _expected(case))
    if case.kind == "repr":
        return _assertion(f"repr({call})", "==", case.expected)
    if case.expected == 'float("nan")':
        return _assertion(f"math.isnan({call})", "", "")
    how = "is" if case.expected in ("None", "True", "False") else "=="
    return _assertion(call, how, _expected(case))


def _fields(owner: str, case: Case) -> list[str]:
    lines: list[str] = []
    for name, text in case.fields:
        how = "is" if text in ("None", "True", "False") else "=="
        approximate = expected_float(text)
        view = f"{name[:-2]}({owner})" if name.endswith("()") else f"{owner}.{name}"
        expected = f"pytest.approx({approximate})" if approximate else text
        lines += _assertion(view, how, expected)
    return lines


def _variable(subject: Subject) -> str:
    name = snake(subject.owner).strip("_")
    return name if name not in (subject.owner, subject.name) and name.isidentifier() else "instance"


def _expected(case: Case) -> str:
    approximate = expected_float(case.expected)
    return f"pytest.approx({approximate})" if approximate else case.expected


def _call(subject: Subject, receiver: str | None, arguments: Sequence[str]) -> str:
    inner = ", ".join(arguments)
    if subject.shape in UNARY:
        return UNARY[subject.shape].format(receiver)
    if subject.shape == "__contains__":
        return f"({inner} in {receiver})"
    if subject.shape == "__getitem__":
        return f"{receiver}[{_sliced(inner)}]"
    if subject.shape == "setter":
        return f"{receiver}.{subject.name} = {inner}"
    if subject.shape == "__delitem__":
        return f"del {receiver}[{inner}]"
    if subject.name in ("__setitem__", "__call__") and subject.shape == "method":
        first, _, rest = inner.partition(", ")
        sets = subject.name == "__setitem__" and len(arguments) == 2
        return f"{receiver}[{first}] = {rest}" if sets else f"{receiver}({inner})"
    if subject.shape in BINARY:
        return "(" + BINARY[subject.shape].format(receiver, inner) + ")"
    if subject.shape == "property":
        return f"{receiver}.{subject.name}"
    if subject.shape == "construct":
        return f"{subject.owner}({inner})"
    if subject.shape == "static":
        return f"{subject.owner}.{subject.name}({inner})"
    if subject.shape == "method":
        return f"{receiver}.{subject.name}({inner})"
    return f"{subject.name}({inner})"


def _sliced(inner: str) -> str:
    """1: for slice(1, None), 0:2 for slice(0, 2); anything else as it is."""
    found = re.fullmatch(r"slice\((-?\w+), (-?\w+)\)", inner)
    return ":".join(part.replace("None", "") for part in found.groups()) if found else inner


def _wrapped(call: str, wrap: str) -> str:
    if wrap == "run":
        return f"asyncio.run({call})"
    if wrap == "take":
        return f"list(itertools.islice({call}, {TAKE}))"
    if wrap in ("collect", "collect_some"):
        return f"asyncio.run({wrap}({call}))"
    return f"list({call})" if wrap == "list" else call


def _assigned(name: str, text: str) -> list[str]:
    return _statement(f"{name} = ", text)


def _statement(prefix: str, text: str) -> list[str]:
    """A statement, its outermost brackets opened over several lines where it is too long."""
    line = f"    {prefix}{text}"
    if len(line) <= WIDTH:
        return [line]
    try:
        node = ast.parse(text, mode="eval").body
    except SyntaxError:  # an assignment or a deletion
        return [line]
    if isinstance(node, ast.Call) and not isinstance(node.func, ast.Call):
        head = text[: text.index("(", len(ast.unparse(node.func)) - 1) + 1]
        parts = [ast.get_source_segment(text, a) or "" for a in node.args]
        parts += [f"{k.arg}={ast.get_source_segment(text, k.value)}" for k in node.keywords]
        return [f"    {prefix}{head}", *(f"        {part}," for part in parts), "    )"]
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        parts = [ast.get_source_segment(text, e) or "" for e in node.elts]
        return [f"    {prefix}{text[0]}", *(f"        {p}," for p in parts), f"    {text[-1]}"]
    if isinstance(node, ast.Dict):
        pairs = [
            f"        {ast.get_source_segment(text, k)}: {ast.get_source_segment(text, v)},"
            for k, v in zip(node.keys, node.values, strict=True)
            if k is not None
        ]
        return [f"    {prefix}{{", *pairs, "    }"]
    return [line]


def _assertion(actual: str, how: str, expected: str) -> list[str]:
    line = f"    assert {actual} {how} {expected}".rstrip()
    if len(line) <= WIDTH or not how:
        return [line]
    if _NAMED.fullmatch(actual):
        return _statement(f"assert {actual} {how} ", expected)
    return [*_assigned("result", actual), *_assertion("result", how, expected)]


def _pattern(message: str) -> str:
    """A regular expression that matches this message's text, or the words a line has room for."""
    if len(message) > MAX_MATCH:
        message = message[:MAX_MATCH].rpartition(" ")[0] or message[:MAX_MATCH]
    escaped = re.sub(r"([\\.^$*+?{}\[\]|()])", r"\\\1", message)
    if escaped == message or not message.isprintable() or '"' in message:
        return quoted(escaped)
    return f'r"{escaped}"'


def _imports(subject: Subject, tests: Sequence[Test], body: str) -> str:
    plain = [m for m in ("asyncio", "itertools", "math", "random") if re.search(rf"\b{m}\.", body)]
    pairs: dict[str, set[str]] = {}
    if subject.shape == "command":
        pairs["click.testing"] = {"CliRunner"}
    for test in tests:
        for case in test.cases:
            for name, module in case.names:
                if re.search(rf"\b{name}\b", body):
                    pairs.setdefault(module, set()).add(name)
    own = {subject.module: pairs.pop(subject.module, set()) | {subject.imported}}
    local = {m: n for m, n in pairs.items() if m.split(".")[0] == subject.module.split(".")[0]}
    for module in local:
        del pairs[module]
    foreign = {m: pairs.pop(m) for m in list(pairs) if m.split(".")[0] not in _STANDARD}
    standard = [f"import {module}" for module in plain] + _from_lines(pairs)
    blocks = ["\n".join(standard)] if standard else []
    third = ["import pytest"] if "pytest." in body else []
    third += _from_lines(foreign)
    if third:
        blocks.append("\n".join(third))
    blocks.append("\n".join(_from_lines({**own, **local})))
    return "\n\n".join(blocks)


def _from_lines(pairs: dict[str, set[str]]) -> list[str]:
    lines = []
    for module in sorted(pairs):
        names = sorted(pairs[module], key=lambda n: (not n[:1].isupper(), n))
        line = f"from {module} import {', '.join(names)}"
        if len(line) > WIDTH:
            line = f"from {module} import (\n" + "".join(f"    {n},\n" for n in names) + ")"
        lines.append(line)
    return lines
