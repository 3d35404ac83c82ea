"""Commands made with click: what to say to them, and what they answered."""

from __future__ import annotations

from typing import Any, List, Tuple

from .expressions import Expression, join
from .sample_files import FILES

MAX_LINES = 60
MAX_OUTPUT = 600


def is_command(value: Any) -> bool:
    """Whether something is a command or group of click's."""
    return hasattr(value, "main") and any(
        base.__module__.split(".")[0] == "click" for base in type(value).__mro__
    )


def entry(module: Any, name: str) -> Tuple[str, List[str], Any]:
    """The command to start, and the words that lead from it to the one under test.

    Returns:
        The name of the group in the module (or of the command itself), the subcommand's name,
        and the command itself; ("", [], None) when the name is no command.
    """
    command = getattr(module, name, None)
    if not is_command(command):
        return "", [], None
    for other, group in vars(module).items():
        for word, sub in (getattr(group, "commands", None) or {}).items():
            if sub is command and is_command(group):
                return other, [word], command
    return name, [], command


def lines(root: Any, words: List[str], command: Any) -> List[Expression]:
    """Command lines as list expressions: the plainest first, then one change at a time."""
    before: List[List[Expression]] = [[]]
    if root is not command:
        before = [*_options(root)[:8], []]
    least = _arguments(command)
    changed: List[List[Expression]] = []
    plain = [one[0] for one in least]
    for place, values in enumerate(least):
        changed += [[*plain[:place], value, *plain[place + 1 :]] for value in values[1:8]]
    options = [] if getattr(command, "commands", None) else _options(command)
    bare = [v[0] for v in _arguments(command, required=True)]
    shorter = [bare] if bare != plain else []
    tails = [plain, *shorter, *(option + plain for option in options), *changed]
    middle = [Expression(repr(word)) for word in words]
    found = [[*first, *middle, *tail] for tail in tails for first in before]
    if getattr(command, "commands", None):
        found += [[*first, Expression(repr("no-such-command"))] for first in before]
    return [
        join("[" + ", ".join(["{}"] * len(parts)) + "]", parts)
        for parts in [*found, [*middle, Expression("'--no-such-option'")]]
    ][:MAX_LINES]


def _arguments(command: Any, required: bool = False) -> List[List[Expression]]:
    """The values of each argument, those of a list that may be empty only where not `required`."""
    return [
        _values(parameter)
        for parameter in command.params
        if type(parameter).__name__ == "Argument"
        and (parameter.required or (parameter.nargs == -1 and not required))
    ]


def _options(command: Any) -> List[List[Expression]]:
    found = []
    for parameter in command.params:
        if not getattr(parameter, "opts", None) or not parameter.opts[-1].startswith("-"):
            continue
        for flag in [*parameter.opts[-1:], *parameter.secondary_opts[-1:]]:
            name = Expression(repr(flag))
            if getattr(parameter, "is_flag", False):
                found.append([name])
            else:
                found += [[name, value] for value in _values(parameter)[:4]]
    return found


def _values(parameter: Any) -> List[Expression]:
    kind = type(parameter.type).__name__
    choices = getattr(parameter.type, "choices", None)
    if choices:
        return [Expression(repr(str(getattr(c, "value", c)))) for c in choices] + [
            Expression("'other'")
        ]
    if kind in ("Path", "File"):
        return [Expression(f"str(tmp_path / '{name}')") for name in [*FILES, "missing.txt"]][::-1]
    if kind.startswith("Int"):
        return [Expression(text) for text in ("'1'", "'0'", "'-1'", "'10'", "'abc'")]
    if kind.startswith("Float"):
        return [Expression(text) for text in ("'1.5'", "'0'", "'abc'")]
    named = str(parameter.name)
    texts = ("abc", "NAME", "1", "key=value", "name with spaces", "")
    if "file" in named or "path" in named:
        return _values_of_files()
    return [Expression(repr(text)) for text in texts]


def _values_of_files() -> List[Expression]:
    return [Expression(f"str(tmp_path / '{name}')") for name in [*FILES, "missing.txt"]]


def start(command: Any, words: List[Any]) -> Any:
    """Start a command in this process, as a test would; errors that it raises come through."""
    from click.testing import CliRunner

    return CliRunner().invoke(command, words, catch_exceptions=False)
