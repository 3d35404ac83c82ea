"""The embedded drafter: tests for a gap without a model, the same ones every time."""

from __future__ import annotations

import ast
import builtins
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from copydesk.agent.records import Candidate, Gap, Json
from copydesk.agent.testgen.embedded.render_values import Refused, is_module, is_name, render
from copydesk.agent.testgen.embedded.test_names import Case, Subject
from copydesk.agent.testgen.embedded.test_source import BINARY, UNARY, module_text
from copydesk.agent.testgen.project import FunctionNode, function_node, import_name
from copydesk.agent.text import one_line

if TYPE_CHECKING:
    from copydesk.agent.sandbox.runner import SandboxRunner


MAX_CASES = 60
_CPU_SECONDS = 120
_WALL_SECONDS = 900.0
"""Of one search, which counts calls and not seconds; only what hangs comes near to these."""
_START = "import sys; from copydesk_tools.search.main import main; sys.exit(main())"
# Two processes that differ in all that a result must not hang on.
_FIRST = {"PYTHONHASHSEED": "0", "TZ": "UTC", "COLUMNS": "80"}
_SECOND = {"PYTHONHASHSEED": "4021", "TZ": "Asia/Kolkata", "COLUMNS": "117"}
_KINDS = frozenset(
    {"value", "repr", "prints", "changes", "state", "receiver", "raises", "invokes", "view"}
)
_VIEWS = {
    "tolist": "{}.tolist()",
    "hexdigest": "{}.hexdigest()",
    "to_dict": '{}.to_dict("list")',
    "vars": "vars({})",
}
_WRAPS = ("", "run", "list", "take", "collect", "collect_some", "with")


def draft_embedded(
    gap: Gap, tree: Path, sandbox: SandboxRunner, *, seed: int = 0
) -> Candidate | None:
    """Draft characterization tests for the uncovered lines of a function.

    The function is called inside the sandbox with values from its hints, defaults, literals and
    known callers; calls that reach a line of the gap become tests of what they were seen to
    return, raise, print or change. Feedback-directed random testing (Pacheco et al., ICSE 2007)
    with an input order of its own: what people wrote first, what is random last.

    Args:
        gap: The function and its lines.
        tree: The project's files, as the sandbox copies them.
        sandbox: Runs the search; its tools folder is TOOLS.
        seed: Of the random inputs.

    Returns:
        The tests, all of whose expected values were observed; None when no call reached a line
        of the gap, or the module cannot be imported.
    """
    try:
        source = (tree / gap.path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    node = function_node(source, gap.function, gap.lines)
    module = import_name(gap.path, tree)
    if node is None or not module:
        return None
    request: Json = {
        "path": gap.path,
        "module": module,
        "function": gap.function,
        "lines": list(gap.lines),
        "branches": [list(arc) for arc in gap.branches],
        "seed": seed,
    }
    found = _ask(sandbox, {**request, "do": "search"}, _FIRST)
    plain = _list(found.get("cases"))[:MAX_CASES]
    if not plain:
        return None
    entry = str(found.get("entry", gap.function))
    second = {**request, "do": "record", "calls": plain, "entry": entry}
    again = _list(_ask(sandbox, second, _SECOND).get("observations"))
    steady = [
        case
        for case, seen in zip(plain, again, strict=False)
        if isinstance(case, dict) and case.get("observed") == seen
    ]
    reached = {line for case in steady for line in _list(case.get("lines"))}
    if not reached & set(gap.lines) and (gap.lines or not steady):
        return None
    subject = _subject(module, source, entry, gap.lines)
    command = found.get("command")
    if is_name(command):  # a function that click made a command of is started by its group
        subject = Subject(module, "", str(command), "command", ("arguments",))
    cases = list(_checked(steady, subject, tree, source))
    if subject is None or not cases:
        return None
    content, tests = module_text(subject, cases)
    notes = tuple(f"suspect: {one_line(str(s))}" for s in _list(found.get("suspects"))[:5])
    return Candidate(gap, "embedded", content, tests, recorded=tests, notes=notes)


def _ask(sandbox: SandboxRunner, request: Json, env: Mapping[str, str]) -> Json:
    """Run the search once; an empty answer for anything that is not a JSON object."""
    limits = replace(sandbox.limits, cpu_seconds=_CPU_SECONDS, wall_seconds=_WALL_SECONDS)
    words = json.dumps(request).encode()
    outcome = sandbox.run(("python", "-c", _START), env=env, stdin=words, limits=limits)
    if outcome.ended != "exit" or outcome.returncode != 0:
        return {}
    try:
        report = json.loads(outcome.report)
    except (ValueError, RecursionError):
        return {}
    return report if isinstance(report, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _subject(module: str, source: str, qualname: str, lines: Sequence[int]) -> Subject | None:
    """The outermost function of the qualified name, and how it is called."""
    words = [word for word in qualname.split(".") if word != "<locals>"]
    owner = ""
    if isinstance(_top_level(source).get(words[0]), ast.ClassDef):
        owner, words = words[0], words[1:]
    name = ".".join(filter(None, (owner, *words[:1])))
    node = function_node(source, name, lines) if words else None
    if node is None:
        return None
    shape = _shape(node, owner)
    names = [a.arg for a in (*node.args.posonlyargs, *node.args.args)]
    static = any(getattr(d, "id", "") == "staticmethod" for d in node.decorator_list)
    return Subject(
        module, owner, node.name, shape, tuple(names[1 if owner and not static else 0 :])
    )


def _shape(node: FunctionNode, owner: str) -> str:
    """The same answer as the search's own shape_of."""
    if not owner:
        return "function"
    marks = {getattr(d, "id", getattr(d, "attr", "")) for d in node.decorator_list}
    if node.name in ("__init__", "__new__", "__post_init__"):
        return "construct"
    if marks & {"staticmethod", "classmethod"}:
        return "static"
    if "setter" in marks:
        return "setter"
    if marks & {"property", "cached_property"}:
        return "property"
    operator = node.name in UNARY or node.name in BINARY
    return node.name if operator or node.name in _SIGNS else "method"


_SIGNS = ("__contains__", "__getitem__", "__delitem__")


def _top_level(source: str) -> dict[str, ast.stmt]:
    return {
        getattr(n, "name", ""): n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.stmt)
    }


def _checked(
    plain: Iterable[Json], subject: Subject | None, tree: Path, source: str
) -> Iterable[Case]:
    """The cases whose every text is a value; the others are left out."""
    if subject is None:
        return
    names = _Names(tree, source, subject)
    for one in plain:
        try:
            yield _case(one, names)
        except (Refused, LookupError, TypeError, ValueError, AttributeError):
            continue


class _Names:
    """Which classes a test may import, and the text of expressions that name them."""

    def __init__(self, tree: Path, source: str, subject: Subject) -> None:
        self.tree = tree
        self.subject = subject
        self.used: dict[str, str] = {}
        self.roots = {
            alias.split(".")[0]
            for node in ast.walk(ast.parse(source))
            for alias in (
                [a.name for a in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom) and not node.level
                else []
            )
        }

    def text(self, expression: Any) -> str:
        """The checked text of an (expression, names) pair; its names are noted."""
        text, pairs = expression
        names = {}
        for name, module in pairs:
            names[name] = self.allowed(name, module)
        written = render(text, names, self.subject.module.split(".")[0])
        for name, module in names.items():
            if self.used.setdefault(name, module) != module or name == self.subject.name:
                raise Refused(f"two things named {name}")
        return written

    def allowed(self, name: object, module: object) -> str:
        """The module, when a test of this function may import the name from it."""
        if not is_name(name) or not is_module(module):
            raise Refused("not a name")
        root = str(module).split(".")[0]
        own = self.subject.module.split(".")[0]
        if root in sys.stdlib_module_names and root not in ("os", "sys", "subprocess", "builtins"):
            return str(module)
        if root == own or root in self.roots:
            return str(module)
        raise Refused(f"import of {module}")


def _case(plain: Json, names: _Names) -> Case:
    seen = plain["observed"]
    kind = seen["kind"]
    if kind not in _KINDS:
        raise Refused("kind")
    names.used = {}
    receiver = None if plain["receiver"] is None else names.text(plain["receiver"])
    arguments = tuple(names.text(a) for a in plain["arguments"])
    keywords = tuple((_word(name), names.text(value)) for name, value in plain["keywords"])
    wrap = seen.get("wrap", "")
    warns = seen.get("warns", "")
    if wrap not in _WRAPS or not (warns == "" or _is_builtin(warns, Warning)):
        raise Refused("wrap")
    setup = tuple(
        (_word(name), tuple(map(names.text, row))) for name, row in plain.get("setup", ())
    )
    then = tuple(tuple(map(names.text, row)) for row in plain.get("then", ()))
    patches = tuple((_patch(name), names.text(value)) for name, value in plain.get("patches", ()))
    case = Case(receiver, arguments, keywords, kind, setup=setup, then=then, patches=patches)
    case = replace(case, wrap=wrap, warns=str(warns))
    if kind == "raises":
        name, module, message = seen["name"], seen["module"], seen["message"]
        if module != "builtins":
            names.used[name] = names.allowed(name, module)
        elif not _is_builtin(name, BaseException):
            raise Refused("exception")
        case = replace(case, expected=name, message=str(message)[:200])
    elif kind in ("state", "receiver") and "fields" in seen:
        fields = [(_field(f), names.text((text, pairs))) for f, text, pairs in seen["fields"]]
        case = replace(case, fields=tuple(fields))
    else:
        case = replace(case, expected=names.text((seen["text"], seen["names"])))
        if kind == "view":
            case = replace(case, view=_VIEWS[seen["view"]])
        if kind == "invokes":
            case = replace(case, code=int(seen["code"]))
        if kind == "changes":
            after = names.text((seen["after"], seen["names"]))
            case = replace(case, argument=range(len(arguments))[seen["argument"]], after=after)
    return replace(case, names=tuple(sorted(names.used.items())))


def _patch(name: object) -> str:
    """The name of what is put around a call."""
    variable = str(name).removeprefix("env:")
    known = name in ("sys.argv", "sys.stdin", "cwd", "time.time", "seed")
    if not known and (variable == name or not is_name(variable)):
        raise Refused("patch")
    return str(name)


def _field(name: object) -> str:
    return str(name) if name in ("dict()", "list()", "len()") else _word(name)


def _word(name: object) -> str:
    if not is_name(name):
        raise Refused("keyword")
    return str(name)


def _is_builtin(name: object, base: type) -> bool:
    kind = getattr(builtins, str(name), None)
    return isinstance(kind, type) and issubclass(kind, base)
