"""Our two hooks in .pre-commit-config.yaml, put in and taken out without touching the rest.

The text is spliced where that is possible, so that comments, order, quoting and indentation
stay as they are; the result is parsed again and has to mean the former file plus our hooks.
Where it does not (a `repos` in flow style), the file is written anew by ruamel's round trip.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from copydesk.agent.errors import CopydeskError
from copydesk.agent.records import Json

if TYPE_CHECKING:
    from ruamel.yaml import YAML

NAME = ".pre-commit-config.yaml"
GATE, COMMIT = "copydesk-gate", "copydesk-commit"
HOOK_TYPES = ("pre-commit", "pre-push", "post-commit", "post-merge", "post-rewrite")
GATE_TYPES = ("pre-commit", "pre-push")
_TYPES_KEY, _STAGES_KEY = "default_install_hook_types", "default_stages"

# The scripts of the desk, where there are some: they spare git and a console script's imports.
# Else the console scripts, found through the user's git configuration: the tracked file names no
# path of one machine, and who has no copydesk passes.
_ENTRY = (
    """sh -c 'd=.git; [ -d $d/copydesk/hooks ] || d=$(git rev-parse --git-common-dir);"""
    """ h=$d/copydesk/hooks/%s; [ -x "$h" ] ||"""
    """ { p=$(git config copydesk.bin) && h=$p/%s; [ -x "$h" ]; } || exit 0; exec "$h" "$@"' --"""
)
GATE_ENTRY = _ENTRY % ("gate", GATE)
COMMIT_ENTRY = _ENTRY % ("post-commit", COMMIT)


class HookSelection(NamedTuple):
    """Which of our hooks, and where pre-commit gets them from (None: from this machine)."""

    ids: tuple[str, ...] = (GATE, COMMIT)
    repo_url: str | None = None
    rev: str | None = None

    @property
    def types(self) -> tuple[str, ...]:
        """The hook types these hooks need installed."""
        return HOOK_TYPES if COMMIT in self.ids else GATE_TYPES


class AddedDefaults(NamedTuple):
    """The defaults that `add_hooks` added: hook types, and whether default_stages."""

    types: tuple[str, ...]
    stages: bool


def _yaml(text: str = "") -> YAML:
    # ruamel takes 50 ms to import and only setting up needs it
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.explicit_start = text.lstrip().startswith("---")
    dash = re.search(r"^repos:[^\n]*\n(?:\s*#[^\n]*\n|\s*\n)*( *)-( +)", text, re.MULTILINE)
    offset, gap = (len(dash[1]), len(dash[2])) if dash else (0, 1)
    yaml.indent(mapping=2, sequence=offset + 1 + gap, offset=offset)
    return yaml


def _load(text: str) -> Any:
    from ruamel.yaml.error import YAMLError

    try:
        data = _yaml(text).load(text)
    except YAMLError as error:
        raise CopydeskError(
            f"{NAME} is not valid YAML: {error}",
            slug="bad-precommit-config",
            hint="Correct it (`pre-commit validate-config` checks it), then run the command again.",
        ) from error
    data = {} if data is None else data
    if not isinstance(data, dict) or not isinstance(data.get("repos") or [], list):
        raise CopydeskError(
            f"{NAME} is not a pre-commit configuration",
            slug="bad-precommit-config",
            hint="`pre-commit validate-config` says what is wrong with it.",
        )
    return data


def holds_only_our_hooks(entry: object) -> bool:
    """Whether an entry of `repos` holds nothing but our hooks."""
    hooks = entry.get("hooks") if isinstance(entry, dict) else None
    if not hooks:
        return False
    return all(isinstance(hook, dict) and hook.get("id") in (GATE, COMMIT) for hook in hooks)


def add_hooks(text: str | None, selection: HookSelection) -> str:
    """Add our hooks to the configuration; ones that are there already are replaced.

    Args:
        text: The file, or None where there is none.
        selection: Which hooks, from where.

    Raises:
        CopydeskError: The file is not valid.
    """
    if text and _has(_load(text), selection):
        return text
    without_ours = remove_hooks(text, AddedDefaults((), False)) if text else ""
    data = _load(without_ours)
    defaults = _default_values(data, selection)
    goal = _plain(data) | defaults
    goal["repos"] = [*(goal.get("repos") or []), _entry(selection)]
    spliced = _splice_in(without_ours, data, selection)
    if spliced is not None and _means(spliced, goal):
        return spliced
    for key, value in defaults.items():
        if key in data:
            data[key][:] = value
        else:
            data.insert(0, key, value)
    if not data.get("repos"):
        data["repos"] = []
    data["repos"].append(_entry(selection))
    return _dumped(without_ours, data)


def has_hooks(text: str, selection: HookSelection) -> bool:
    """Whether the configuration holds these hooks of ours, no other of ours, and their defaults.

    Raises:
        CopydeskError: The file is not valid.
    """
    return _has(_load(text), selection)


def _has(data: Any, selection: HookSelection) -> bool:
    ours = [_plain(data["repos"][number]) for number in _our_entries(data)]
    return ours == [_entry(selection)] and not _default_values(data, selection)


def _our_entries(data: Any) -> list[int]:
    """The numbers of the entries of `repos` that are ours."""
    repos = data.get("repos") or []
    return [number for number, entry in enumerate(repos) if holds_only_our_hooks(entry)]


def defaults_to_add(text: str | None, selection: HookSelection) -> AddedDefaults:
    """What `add_hooks` would put into this file besides the hooks."""
    data = _load(text or "")
    return AddedDefaults(_missing_types(data, selection), _STAGES_KEY not in data)


def _missing_types(data: Any, selection: HookSelection) -> tuple[str, ...]:
    # without the key pre-commit installs "pre-commit" alone
    present = data.get(_TYPES_KEY) or []
    return tuple(name for name in selection.types if name not in present)


def _default_values(data: Any, selection: HookSelection) -> Json:
    """The defaults that have to be added or changed, with their new values."""
    present = list(data.get(_TYPES_KEY) or [])
    missing = _missing_types(data, selection)
    values: Json = {_TYPES_KEY: [*present, *missing]} if missing else {}
    if _STAGES_KEY not in data:
        # else the user's own hooks would run at every stage that we have installed
        values[_STAGES_KEY] = present or ["pre-commit"]
    return values


def _entry(selection: HookSelection) -> Json:
    if selection.repo_url:
        hooks: list[Json] = [{"id": name} for name in selection.ids]
        return {"repo": selection.repo_url, "rev": selection.rev or "HEAD", "hooks": hooks}
    return {"repo": "local", "hooks": [_local(name) for name in selection.ids]}


def _local(name: str) -> Json:
    hook: Json = {"id": name, "name": name.replace("-", " "), "language": "system"}
    hook["entry"] = GATE_ENTRY if name == GATE else COMMIT_ENTRY
    if name == GATE:
        # a hook that passes is not heard otherwise, and lines without a verdict are to be said
        hook |= {"types_or": ["python", "pyi"], "require_serial": True, "verbose": True}
        stages = ["pre-commit", "pre-merge-commit", "pre-push", "manual"]
    else:
        hook |= {"always_run": True}
        stages = ["post-commit", "post-merge", "post-rewrite"]
    return hook | {"pass_filenames": False, "stages": stages}


class _Place(NamedTuple):
    """Where a new entry of `repos` goes: before which line, and how far it is indented."""

    line: int
    indent: str


def _splice_in(text: str, data: Any, selection: HookSelection) -> str | None:
    """The file with our lines put in as text, or None where its shape does not allow it."""
    defaults = _default_values(data, selection)
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    if "repos" not in data:
        lines.append("repos:\n")
    place = _place_of_new_entry(lines, data)
    if place is None or any(key in data for key in defaults):
        return None
    block = _entry_lines(selection)
    lines[place.line : place.line] = [f"{place.indent}{line}\n" for line in block]
    start = _after_document_marker(lines)
    lines[start:start] = [_list_line(key, value) for key, value in defaults.items()]
    return "".join(lines)


def _place_of_new_entry(lines: list[str], data: Any) -> _Place | None:
    """Where our entry goes: the end of `repos`; None where that is written in flow style."""
    if "repos" not in data:
        return _Place(len(lines), "")
    repos = data["repos"]
    if repos is None:
        return _Place(data.lc.key("repos")[0] + 1, "")
    if not repos or repos.fa.flow_style():
        return None
    first = lines[repos.lc.item(0)[0]]
    indent = first[: len(first) - len(first.lstrip())]
    end = _next_key_line(data, data.lc.key("repos")[0], len(lines))
    while end and _is_blank_or_comment(lines[end - 1]):
        end -= 1
    return _Place(end, indent)


def _next_key_line(data: Any, line: int, end: int) -> int:
    """The line of the first top-level key after a line, or the end of the file."""
    starts = [data.lc.key(key)[0] for key in data]
    return min((start for start in starts if start > line), default=end)


def _is_blank_or_comment(line: str) -> bool:
    """Whether a line belongs to what follows it: empty, or a comment at the left margin."""
    return not line.strip() or line.startswith("#")


def _after_document_marker(lines: list[str]) -> int:
    for number, line in enumerate(lines):
        if line.startswith("---"):
            return number + 1
    return 0


def _list_line(key: str, values: list[str]) -> str:
    return f"{key}: [{', '.join(values)}]\n"


def _entry_lines(selection: HookSelection) -> list[str]:
    """Our entry of `repos`, as lines."""
    entry = _entry(selection)
    lines = [f"- repo: {entry['repo']}"]
    if "rev" in entry:
        lines.append(f"  rev: {entry['rev']}")
    lines.append("  hooks:")
    for hook in entry["hooks"]:
        dash = "- "
        for key, value in hook.items():
            lines.append(f"    {dash}{key}: {_scalar(value)}")
            dash = "  "
    return lines


def _scalar(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(value)}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def remove_hooks(text: str, defaults: AddedDefaults) -> str:
    """Remove our hooks from the configuration, and the defaults that were added for them.

    Raises:
        CopydeskError: The file is not valid.
    """
    data = _load(text)
    goal = _plain(data)
    goal["repos"] = [entry for entry in goal.get("repos") or [] if not holds_only_our_hooks(entry)]
    lines = text.splitlines(keepends=True)
    _cut_entries(lines, data)
    for key in _remove_defaults(goal, defaults):
        line = data.lc.key(key)[0]
        if key in goal:
            lines[line] = _list_line(key, goal[key])
        else:
            del lines[line]
    spliced = "".join(lines)
    return spliced if _means(spliced, goal) else _rewritten(text, data, goal)


def _cut_entries(lines: list[str], data: Any) -> None:
    """Cut our entries of `repos` out of the lines, the last first; not where in flow style."""
    repos: Any = data.get("repos") or []
    for number in reversed(_our_entries(data)):
        if repos.fa.flow_style():
            return
        first = repos.lc.item(number)[0]
        end = _next_key_line(data, first, len(lines))
        if number + 1 < len(repos):
            end = min(end, repos.lc.item(number + 1)[0])
        while end > first + 1 and _is_blank_or_comment(lines[end - 1]):
            end -= 1
        del lines[first:end]


def _remove_defaults(goal: Json, defaults: AddedDefaults) -> list[str]:
    """Take our defaults out of the goal; which keys were touched, the last in the file first."""
    touched = []
    if defaults.stages and _STAGES_KEY in goal:
        del goal[_STAGES_KEY]
        touched.append(_STAGES_KEY)
    if defaults.types and _TYPES_KEY in goal:
        goal[_TYPES_KEY] = [name for name in goal[_TYPES_KEY] if name not in defaults.types]
        if not goal[_TYPES_KEY]:
            del goal[_TYPES_KEY]
        touched.append(_TYPES_KEY)
    return touched  # `add_hooks` writes the stages below the types


def _rewritten(text: str, data: Any, goal: Json) -> str:
    for number in reversed(_our_entries(data)):
        del data["repos"][number]
    for key in (_STAGES_KEY, _TYPES_KEY):
        if key in data and key not in goal:
            del data[key]
        elif key in goal:
            data[key][:] = goal[key]
    return _dumped(text, data)


def _dumped(text: str, data: Any) -> str:
    """The data as YAML, laid out as the text that it was read from."""
    stream = io.StringIO()
    _yaml(text).dump(data, stream)
    return stream.getvalue()


def _means(text: str, goal: Json) -> bool:
    """Whether an edited text parses to the configuration that was meant."""
    try:
        meaning = _plain(_load(text))
    except CopydeskError:  # what was cut was not whole lines
        return False
    return {**meaning, "repos": meaning.get("repos") or []} == goal


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
