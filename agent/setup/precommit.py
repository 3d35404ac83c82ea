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


class Wanted(NamedTuple):
    """Which of our hooks, and where pre-commit gets them from (None: from this machine)."""

    ids: tuple[str, ...] = (GATE, COMMIT)
    repo_url: str | None = None
    rev: str | None = None

    @property
    def types(self) -> tuple[str, ...]:
        """The hook types these hooks need installed."""
        return HOOK_TYPES if COMMIT in self.ids else GATE_TYPES


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
            hint="Mend it (`pre-commit validate-config` checks it), then run the command again.",
        ) from error
    data = {} if data is None else data
    if not isinstance(data, dict) or not isinstance(data.get("repos") or [], list):
        raise CopydeskError(
            f"{NAME} is no pre-commit configuration",
            slug="bad-precommit-config",
            hint="`pre-commit validate-config` says what is wrong with it.",
        )
    return data


def is_ours(entry: object) -> bool:
    """Whether an entry of `repos` holds nothing but our hooks."""
    hooks = entry.get("hooks") if isinstance(entry, dict) else None
    return bool(hooks) and all(
        isinstance(hook, dict) and hook.get("id") in (GATE, COMMIT) for hook in hooks or ()
    )


def add(text: str | None, wanted: Wanted) -> str:
    """The configuration with our hooks in it; one that has them already gets them anew.

    Args:
        text: The file, or None where there is none.
        wanted: Which hooks, from where.

    Raises:
        CopydeskError: The file is not valid.
    """
    if text and _has(_load(text), wanted):
        return text
    before = remove(text, Added((), False)) if text else ""
    data = _load(before)
    goal = _plain(data)
    goal.setdefault("repos", [])
    goal["repos"] = [*(goal["repos"] or []), _entry(wanted)]
    _, _, defaults = _defaults(data, wanted)
    goal |= defaults
    spliced = _spliced(before, data, wanted)
    if spliced is not None and _means(spliced, goal):
        return spliced
    for key, value in defaults.items():
        if key in data:
            data[key][:] = value
        else:
            data.insert(0, key, value)
    if not data.get("repos"):
        data["repos"] = []
    data["repos"].append(_entry(wanted))
    stream = io.StringIO()
    _yaml(before).dump(data, stream)
    return stream.getvalue()


def _has(data: Any, wanted: Wanted) -> bool:
    ours = [_plain(entry) for entry in data.get("repos") or [] if is_ours(entry)]
    types, stages, _ = _defaults(data, wanted)
    return ours == [_entry(wanted)] and not types and not stages


class Added(NamedTuple):
    """What `add` put in besides the hooks: hook types, and default_stages."""

    types: tuple[str, ...]
    stages: bool


def added(text: str | None, wanted: Wanted) -> Added:
    """What `add` would put into this file besides the hooks."""
    types, stages, _ = _defaults(_load(text or ""), wanted)
    return Added(types, stages)


def _defaults(data: Any, wanted: Wanted) -> tuple[tuple[str, ...], bool, Json]:
    present = list(data.get(_TYPES_KEY) or [])
    # without the key pre-commit installs "pre-commit" alone
    types = tuple(t for t in wanted.types if t not in present)
    values: Json = {_TYPES_KEY: [*present, *types]} if types else {}
    stages = _STAGES_KEY not in data
    if stages:  # else the user's own hooks would run at every stage that we have installed
        values[_STAGES_KEY] = present or ["pre-commit"]
    return types, stages, values


def _entry(wanted: Wanted) -> Json:
    if wanted.repo_url:
        hooks: list[Json] = [{"id": name} for name in wanted.ids]
        return {"repo": wanted.repo_url, "rev": wanted.rev or "HEAD", "hooks": hooks}
    return {"repo": "local", "hooks": [_local(name) for name in wanted.ids]}


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


def _spliced(text: str, data: Any, wanted: Wanted) -> str | None:
    """The file with our lines put in as text, or None where its shape does not allow it."""
    _, _, values = _defaults(data, wanted)
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    if any(key in data for key in values):
        return None
    repos = data.get("repos")
    if "repos" not in data:
        lines.append("repos:\n")
        at, indent = len(lines), ""
    elif repos is None:
        at, indent = data.lc.key("repos")[0] + 1, ""
    elif not repos or repos.fa.flow_style():
        return None
    else:
        starts = [data.lc.key(key)[0] for key in data]
        after = [start for start in starts if start > data.lc.key("repos")[0]]
        at = min(after, default=len(lines))
        while at and (not lines[at - 1].strip() or lines[at - 1].startswith("#")):
            at -= 1
        first = lines[repos.lc.item(0)[0]]
        indent = first[: len(first) - len(first.lstrip())]
    lines[at:at] = [f"{indent}{line}\n" for line in _block(wanted)]
    start = next((n + 1 for n, line in enumerate(lines) if line.startswith("---")), 0)
    lines[start:start] = [f"{key}: [{', '.join(value)}]\n" for key, value in values.items()]
    return "".join(lines)


def _block(wanted: Wanted) -> list[str]:
    """Our entry of `repos`, as lines."""
    entry = _entry(wanted)
    lines = [f"- repo: {entry['repo']}"]
    if "rev" in entry:
        lines.append(f"  rev: {entry['rev']}")
    lines.append("  hooks:")
    for hook in entry["hooks"]:
        for number, (key, value) in enumerate(hook.items()):
            said = value
            if isinstance(value, list):
                said = f"[{', '.join(value)}]"
            elif isinstance(value, bool):
                said = str(value).lower()
            lines.append(f"    {'- ' if number == 0 else '  '}{key}: {said}")
    return lines


def remove(text: str, put: Added) -> str:
    """The configuration without our hooks, and without what was put in besides them.

    Raises:
        CopydeskError: The file is not valid.
    """
    data = _load(text)
    repos: Any = data.get("repos") or []
    goal = _plain(data)
    goal["repos"] = [entry for entry in goal.get("repos") or [] if not is_ours(entry)]
    lines = text.splitlines(keepends=True)
    for number in reversed([n for n, entry in enumerate(repos) if is_ours(entry)]):
        if repos.fa.flow_style():
            break
        first = repos.lc.item(number)[0]
        following = [repos.lc.item(n)[0] for n in range(number + 1, len(repos))]
        following += [data.lc.key(k)[0] for k in data if data.lc.key(k)[0] > first]
        last = min(following, default=len(lines))
        while last > first + 1 and (not lines[last - 1].strip() or "#" in lines[last - 1][:1]):
            last -= 1
        del lines[first:last]
    for key in _undo_defaults(goal, put):
        line = data.lc.key(key)[0]
        if key in goal:
            lines[line] = f"{key}: [{', '.join(goal[key])}]\n"
        else:
            del lines[line]
    spliced = "".join(lines)
    return spliced if _means(spliced, goal) else _rewritten(text, data, goal)


def _undo_defaults(goal: Json, put: Added) -> list[str]:
    """Take our defaults out of the goal; which keys were touched, the last in the file first."""
    touched = []
    if put.stages and _STAGES_KEY in goal:
        del goal[_STAGES_KEY]
        touched.append(_STAGES_KEY)
    if put.types and _TYPES_KEY in goal:
        left = [t for t in goal[_TYPES_KEY] if t not in put.types]
        goal[_TYPES_KEY] = left
        if not left:
            del goal[_TYPES_KEY]
        touched.append(_TYPES_KEY)
    keys = {_STAGES_KEY: 1, _TYPES_KEY: 0}
    return sorted(touched, key=lambda key: keys[key], reverse=True)


def _rewritten(text: str, data: Any, goal: Json) -> str:
    repos = data.get("repos") or []
    for number in reversed([n for n, entry in enumerate(repos) if is_ours(entry)]):
        del repos[number]
    for key in (_STAGES_KEY, _TYPES_KEY):
        if key in data and key not in goal:
            del data[key]
        elif key in goal:
            data[key][:] = goal[key]
    stream = io.StringIO()
    _yaml(text).dump(data, stream)
    return stream.getvalue()


def _means(text: str, goal: Json) -> bool:
    """Whether a text that was cut or pasted together says what it has to."""
    try:
        found = _plain(_load(text))
    except CopydeskError:  # what was cut was not whole lines
        return False
    return {**found, "repos": found.get("repos") or []} == goal


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
