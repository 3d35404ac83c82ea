"""Commands made with click: what to say to them, and what they answered."""

from __future__ import annotations

from typing import Any, List, Tuple

from .expressions import Expression, join
from .sample_files import FILES

MAX_LINES = 60
MAX_OUTPUT = 600
Line = List[Expression]
_INTEGERS: Tuple[str, ...] = ("1", "0", "-1", "10", "abc")
_FLOATS = ("1.5", "0", "abc")
_TEXTS = ("abc", "NAME", "1", "key=value", "name with spaces", "")


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
    for group_name, group in vars(module).items():
        for word, sub in (getattr(group, "commands", None) or {}).items():
            if sub is command and is_command(group):
                return group_name, [word], command
    return name, [], command


def lines(root: Any, words: List[str], command: Any) -> List[Expression]:
    """Command lines as list expressions: the plainest first, then one change at a time.

    Args:
        root: The command that is started.
        words: Those that lead from it to the one under test.
        command: The one under test.
    """
    is_group = bool(getattr(command, "commands", None))
    before: List[Line] = [*_options(root)[:8], []] if root is not command else [[]]
    middle = [Expression(repr(word)) for word in words]
    tails = _tails(command, is_group)
    command_lines = [[*first, *middle, *tail] for tail in tails for first in before]
    if is_group:
        command_lines += [[*first, Expression("'no-such-command'")] for first in before]
    command_lines.append([*middle, Expression("'--no-such-option'")])
    return [_as_list(line) for line in command_lines[:MAX_LINES]]


def _as_list(line: Line) -> Expression:
    return join("[" + ", ".join(["{}"] * len(line)) + "]", line)


def _tails(command: Any, is_group: bool) -> List[Line]:
    """What may stand behind the command's own word."""
    pools = _arguments(command)
    plain = [pool[0] for pool in pools]
    tails = [plain]
    bare = [pool[0] for pool in _arguments(command, required=True)]
    if bare != plain:
        tails.append(bare)
    if not is_group:
        tails += [[*option, *plain] for option in _options(command)]
    for index, pool in enumerate(pools):
        tails += [[*plain[:index], value, *plain[index + 1 :]] for value in pool[1:8]]
    return tails


def _arguments(command: Any, required: bool = False) -> List[List[Expression]]:
    """The values of each argument, those of a list that may be empty only where not `required`."""
    pools = []
    for parameter in command.params:
        may_be_empty = parameter.nargs == -1 and not required
        if type(parameter).__name__ == "Argument" and (parameter.required or may_be_empty):
            pools.append(_values(parameter))
    return pools


def _options(command: Any) -> List[Line]:
    """Each option with each of a few values; a flag alone."""
    options: List[Line] = []
    for parameter in command.params:
        if not getattr(parameter, "opts", None) or not parameter.opts[-1].startswith("-"):
            continue
        is_flag = getattr(parameter, "is_flag", False)
        for flag in [*parameter.opts[-1:], *parameter.secondary_opts[-1:]]:
            name = Expression(repr(flag))
            if is_flag:
                options.append([name])
            else:
                options += [[name, value] for value in _values(parameter)[:4]]
    return options


def _values(parameter: Any) -> List[Expression]:
    """Words for a parameter, by its type and by its name."""
    kind = type(parameter.type).__name__
    choices = getattr(parameter.type, "choices", None)
    if choices:
        words = [str(getattr(choice, "value", choice)) for choice in choices]
        return [Expression(repr(word)) for word in (*words, "other")]
    if kind in ("Path", "File"):
        return _paths()[::-1]
    name = str(parameter.name)
    if kind.startswith("Int"):
        texts = _INTEGERS
    elif kind.startswith("Float"):
        texts = _FLOATS
    elif "file" in name or "path" in name:
        return _paths()
    else:
        texts = _TEXTS
    return [Expression(repr(text)) for text in texts]


def _paths() -> List[Expression]:
    """The sample files, and one that is not there."""
    return [Expression(f"str(tmp_path / '{name}')") for name in [*FILES, "missing.txt"]]


def start(command: Any, words: List[Any]) -> Any:
    """Start a command in this process, as a test would; errors that it raises come through."""
    from click.testing import CliRunner

    return CliRunner().invoke(command, words, catch_exceptions=False)
