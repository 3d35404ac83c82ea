"""Which code a message means: the functions, classes, files, options and tracebacks it names.

A name counts only where it is written like code (in backticks, with brackets or a dot, in
snake_case or CamelCase), and where the measured tree has it. One that several places have is
ambiguous, and says so.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from copydesk.agent.coverage.source import MODULE, Span, functions

MentionKind = Literal["frame", "function", "class", "file", "option", "message"]


class Place(NamedTuple):
    """A place in the tree: a file, and the function that is meant; "" for the file as a whole."""

    path: str
    function: str


class Mention(NamedTuple):
    """Code that a message names.

    Attributes:
        kind: How it is named.
        words: The words of the message that name it.
        places: Where it stands; several where the name is ambiguous.
        line: The line that a traceback's frame names; 0 for other kinds.
    """

    kind: MentionKind
    words: str
    places: tuple[Place, ...]
    line: int = 0

    @property
    def is_ambiguous(self) -> bool:
        """Whether it could mean several places."""
        return len(self.places) > 1


_FRAME = re.compile(
    r'File "(?P<path>[^"\n]{1,400})", line (?P<line>\d{1,7})(?:, in (?P<name>\S+))?'
)
_PYTEST_FRAME = re.compile(r"^(?P<path>[\w./\\-]+\.py):(?P<line>\d{1,7}):", re.MULTILINE)
_BACKTICKED = re.compile(r"`([^`\n]{2,120})`")
_CALL = re.compile(r"(?<![\w.])((?:[A-Za-z_]\w*\.)*[A-Za-z_]\w+)\(")
_DOTTED = re.compile(r"(?<![\w./@-])((?:[A-Za-z_]\w*\.)+[A-Za-z_]\w*)(?![\w/(])")
_SNAKE = re.compile(r"(?<![\w./-])(_*[a-z]\w*_\w*[a-z0-9])(?![\w(./])")
_CAMEL = re.compile(r"(?<![\w./-])([A-Z][a-z0-9]+(?:[A-Z][a-z0-9]+)+)(?![\w(./])")
_FILE = re.compile(r"(?<![\w./-])((?:[\w.-]+/)*[\w-]+\.(?:pyi?|toml|cfg|ini|ya?ml))(?![\w/])")
_OPTION = re.compile(r"(?<![\w-])(--[a-z][a-z0-9]+(?:-[a-z0-9]+)*)(?![\w-])")
_NAME = re.compile(r"(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*")
_LEAST_MESSAGE_WORDS = 3
_LONGEST_MESSAGE = 300

_COMMON_METHODS = frozenset(
    name for kind in (str, list, dict, set, bytes, int, float, object) for name in dir(kind)
)
_COMMON = frozenset(dir(builtins)) | _COMMON_METHODS | {"main", "run", "test", "setup", "self"}
_COMMON_OPTIONS = frozenset({"--help", "--version", "--verbose", "--quiet"})


class FileNames(NamedTuple):
    """What a source file gives names to; lists, so that JSON can hold it.

    Attributes:
        functions: Name, first and last line of each function.
        classes: The names of its classes.
        options: Options of a command line, such as --dry-run.
        messages: Texts of three words and more, in lower case, with their lines.
    """

    functions: list[tuple[str, int, int]]
    classes: list[str]
    options: list[str]
    messages: list[tuple[str, int]]


def names_in(text: str) -> FileNames:
    """What a source file gives names to; nothing for a source that is not valid Python."""
    spans = [(span.name, span.first, span.last) for span in functions(text)]
    names = FileNames(spans, [], [], [])
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return names
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            names.classes.append(node.name)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            _add_string(names, node.value, node.lineno)
    return names


def _add_string(names: FileNames, value: str, line: int) -> None:
    if _OPTION.fullmatch(value) and value not in _COMMON_OPTIONS:
        names.options.append(value)
    elif len(value) <= _LONGEST_MESSAGE and len(value.split()) >= _LEAST_MESSAGE_WORDS:
        names.messages.append((" ".join(value.lower().split()).strip(" .:!"), line))


class CodeIndex:
    """The names of a tree, to find them in messages.

    Args:
        files: What each Python file gives names to, by path from the top, with slashes.
        other_files: The paths of the other files.
    """

    def __init__(self, files: Mapping[str, FileNames], other_files: Iterable[str]) -> None:
        self._spans: dict[str, list[Span]] = {}
        self._functions: dict[str, set[Place]] = defaultdict(set)
        self._classes: dict[str, set[Place]] = defaultdict(set)
        self._options: dict[str, set[Place]] = defaultdict(set)
        self._messages: dict[str, set[Place]] = defaultdict(set)
        self._paths: dict[str, set[str]] = defaultdict(set)
        self._imported = {_as_imported(path): path for path in files}
        for path in (*files, *other_files):
            for suffix in _suffixes(path):
                self._paths[suffix].add(path)
        for path, names in files.items():
            self._add(path, names)

    def _add(self, path: str, names: FileNames) -> None:
        self._spans[path] = [Span(*span) for span in names.functions]
        for span in self._spans[path]:
            for name in _suffixes(f"{_module(path)}.{span.name}".replace(".", "/")):
                self._functions[name.replace("/", ".")].add(Place(path, span.name))
        for name in names.classes:
            self._classes[name].add(Place(path, ""))
        for option in names.options:
            self._options[option].add(Place(path, ""))
        for message, line in names.messages:
            self._messages[message].add(Place(path, self.function_at(path, line)))

    def function_at(self, path: str, line: int) -> str:
        """The function that a line of a file belongs to; the module's own lines have none."""
        for span in self._spans.get(path, ()):
            if span.first <= line <= span.last:
                return span.name
        return MODULE

    def mentions(self, text: str) -> list[Mention]:
        """The code that a message names, each once, frames first.

        Args:
            text: The message as it was written.
        """
        mentions: dict[tuple[Place, ...], Mention] = {}
        outside_frames = _FRAME.sub(" ", text)
        for finder, part in (
            (self._frames, text),
            (self._files, outside_frames),
            (self._options_in, outside_frames),
            (self._names, outside_frames),
            (self._messages_in, outside_frames),
        ):
            for mention in finder(part):
                mentions.setdefault(mention.places, mention)
        return list(mentions.values())

    def _frames(self, text: str) -> Iterator[Mention]:
        """Frames of tracebacks: the file by its longest known end, the function by its name."""
        for match in (*_FRAME.finditer(text), *_PYTEST_FRAME.finditer(text)):
            path = self._path(match["path"].replace("\\", "/"))
            if path is None:
                continue
            line = int(match["line"])
            name = match.groupdict().get("name") or ""
            function = self._function_of_frame(path, name, line)
            yield Mention("frame", match[0].strip(), (Place(path, function),), line)

    def _function_of_frame(self, path: str, name: str, line: int) -> str:
        """The function of a frame: lines move between versions, names seldom do."""
        named = [span for span in self._spans.get(path, ()) if span.name.split(".")[-1] == name]
        if len(named) == 1:
            return named[0].name
        for span in named:
            if span.first <= line <= span.last:
                return span.name
        return MODULE if name == MODULE else self.function_at(path, line)

    def _path(self, written: str) -> str | None:
        """The file of the tree that a frame's path means: it ends as the file is imported.

        A module outside any package could be of any library, so where one is installed its name
        has to follow at once.
        """
        parts = written.removeprefix("./").split("/")
        for start in range(len(parts)):
            path = self._imported.get("/".join(parts[start:]))
            is_package = len(parts) - start > 1
            installed = {"site-packages", "dist-packages", "lib"} & {*parts[:start]}
            if path and (is_package or not installed or parts[start - 1] == "site-packages"):
                return path
        return None

    def _files(self, text: str) -> Iterator[Mention]:
        for match in _FILE.finditer(text):
            paths = self._paths.get(match[1].removeprefix("./"))
            if paths:
                yield Mention("file", match[1], tuple(Place(path, "") for path in sorted(paths)))

    def _options_in(self, text: str) -> Iterator[Mention]:
        for match in _OPTION.finditer(text):
            places = self._options.get(match[1])
            if places:
                yield Mention("option", match[1], tuple(sorted(places)))

    def _names(self, text: str) -> Iterator[Mention]:
        for written in _code_names(text):
            bare = written.rpartition(".")[2]
            if "." not in written and bare in _COMMON:
                continue
            places = self._functions.get(written)
            if places:
                yield Mention("function", written, tuple(sorted(places)))
            elif bare in self._classes and (written == bare or "." in written):
                yield Mention("class", written, tuple(sorted(self._classes[bare])))

    def _messages_in(self, text: str) -> Iterator[Mention]:
        """Error messages and the like that the code holds word for word."""
        words = " ".join(text.lower().split())
        for message, places in self._messages.items():
            if len(places) == 1 and message in words and _stands_alone(message, words):
                yield Mention("message", message, tuple(places))


def _stands_alone(phrase: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(phrase)}(?!\w)", text) is not None


def _code_names(text: str) -> Iterator[str]:
    """Names that are written like code, in the order in which they stand."""
    outside = _BACKTICKED.sub(" ", text)
    for match in _BACKTICKED.finditer(text):
        name = _NAME.match(match[1].strip().removeprefix("@"))
        if name and len(name[0]) > 2:
            yield name[0]
    for pattern in (_CALL, _DOTTED, _SNAKE, _CAMEL):
        for match in pattern.finditer(outside):
            yield match[1]


def _suffixes(path: str) -> Iterator[str]:
    """A path and each of its ends: a/b/c, b/c, c."""
    parts = path.split("/")
    for start in range(len(parts)):
        yield "/".join(parts[start:])


def _module(path: str) -> str:
    """The dotted name of a module as it is imported, as far as the path tells."""
    return _as_imported(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _as_imported(path: str) -> str:
    """A path from the folder on that is on the module search path, as far as its name tells."""
    for folder in ("src/", "lib/", "python/"):
        if path.startswith(folder):
            return path.removeprefix(folder)
    return path
