"""Which code a message means: the functions, classes, files, options and tracebacks it names.

A name counts only where it is written like code (in backticks, with brackets or a dot, in
snake_case or CamelCase), and where the measured tree has it. A call without a dot means no method,
one on a value means a method that hardly anything else is named like. What the message itself
defines is its own. One that several places have is ambiguous, and says so. `bench/code_join.py`
measures it.
"""

from __future__ import annotations

import ast
import builtins
import io
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
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
_METHOD_CALL = re.compile(r"(\w*)\.([A-Za-z_]\w{2,})\(")
_DEFINITION = re.compile(r"\b(?:def|class)\s+([A-Za-z_]\w*)")
_ALIAS = re.compile(r"\bimport\s+[\w.]+\s+as\s+(\w+)")
_DOTTED = re.compile(r"(?<![\w./@-])((?:[A-Za-z_]\w*\.)+[A-Za-z_]\w*)(?![\w/(])")
_SNAKE = re.compile(r"(?<![\w./-])(_*[a-z]\w*_\w*[a-z0-9])(?![\w(/]|\.\w|\s*=(?!=))")
_CAMEL = re.compile(r"(?<![\w./-])((?=\w*[a-z])[A-Z][A-Za-z0-9]*[A-Z][A-Za-z0-9]*)(?![\w(/]|\.\w)")
_FILE = re.compile(r"(?<![\w./-])((?:[\w.-]+/)*[\w-]+\.(?:pyi?|toml|cfg|ini|ya?ml))(?![\w/])")
_OPTION = re.compile(r"(?<![\w-])(--[a-z][a-z0-9]+(?:-[a-z0-9]+)*)(?![\w-])")
_NAME = re.compile(r"(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*")
_LEAST_MESSAGE_WORDS = 4
_LEAST_MESSAGE = 20
_MOST_FILES = 3
_MOST_METHODS = 3
_MOST_UNBOUND = 2
_LONGEST_MESSAGE = 300

_COMMON_METHODS = frozenset(
    name for kind in (str, list, dict, set, bytes, int, float, object) for name in dir(kind)
)
_COMMON_FILES = frozenset({"manage.py", "settings.py", "setup.py", "conftest.py", "__init__.py"})
_NOT_NAMES = {"self", "cls", "func", "Meta"}
_USUAL = {"main", "run", "test", "setup"} | _NOT_NAMES
_COMMON = frozenset(dir(builtins)) | _COMMON_METHODS | _USUAL
_OF_ANY_VALUE = _COMMON | {*dir(io.TextIOWrapper), *dir(Path)}
_COMMON_OPTIONS = frozenset({"--help", "--version", "--verbose", "--quiet"})


class FileNames(NamedTuple):
    """What a source file gives names to; lists, so that JSON can hold it.

    Attributes:
        functions: Name, first and last line of each function.
        inner: The same of functions inside of functions.
        classes: The names of its classes.
        options: Options of a command line, such as --dry-run.
        messages: Texts of four words and more, in lower case, with their lines.
    """

    functions: list[tuple[str, int, int]]
    inner: list[tuple[str, int, int]]
    classes: list[str]
    options: list[str]
    messages: list[tuple[str, int]]


def names_in(text: str) -> FileNames:
    """What a source file gives names to; nothing for a source that is not valid Python."""
    spans = [(span.name, span.first, span.last) for span in functions(text)]
    names = FileNames(spans, [], [], [], [])
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return names
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            names.classes.append(node.name)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            _add_inner(names, node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            _add_string(names, node.value, node.lineno)
    return names


def _add_inner(names: FileNames, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    """A function inside of a function."""
    for child in ast.walk(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) and child is not node:
            names.inner.append((child.name, child.lineno, child.end_lineno or child.lineno))


def _add_string(names: FileNames, value: str, line: int) -> None:
    if _OPTION.fullmatch(value) and value not in _COMMON_OPTIONS:
        names.options.append(value)
    elif len(value) <= _LONGEST_MESSAGE and len(value.split()) >= _LEAST_MESSAGE_WORDS:
        message = " ".join(value.lower().split()).strip(" .:!")
        is_import = message.startswith(("import ", "from "))
        if len(message) >= _LEAST_MESSAGE and not is_import:
            names.messages.append((message, line))


class CodeIndex:
    """The names of a tree, to find them in messages.

    Args:
        files: What each Python file gives names to, by path from the top, with slashes.
        other_files: The paths of the other files.
    """

    def __init__(self, files: Mapping[str, FileNames], other_files: Iterable[str]) -> None:
        self._spans: dict[str, list[Span]] = {}
        self._inner: dict[str, list[Span]] = {}
        self._functions: dict[str, set[Place]] = defaultdict(set)
        self._methods: dict[str, set[Place]] = defaultdict(set)
        self._classes: dict[str, set[Place]] = defaultdict(set)
        self._options: dict[str, set[Place]] = defaultdict(set)
        self._messages: dict[str, set[Place]] = defaultdict(set)
        self._paths: dict[str, set[str]] = defaultdict(set)
        self._imported = {_as_imported(path): path for path in files}
        self._packages = {path.partition("/")[0] for path in self._imported if "/" in path}
        for path in (*files, *other_files):
            for suffix in _suffixes(path):
                self._paths[suffix].add(path)
        for path, names in files.items():
            self._add(path, names)

    def _add(self, path: str, names: FileNames) -> None:
        self._spans[path] = [Span(*span) for span in names.functions]
        self._inner[path] = [Span(*span) for span in names.inner]
        for span in self._spans[path]:
            place = Place(path, span.name)
            for name in _suffixes(f"{_module(path)}.{span.name}".replace(".", "/")):
                self._functions[name.replace("/", ".")].add(place)
            if "." in span.name:
                self._methods[span.name.rpartition(".")[2]].add(place)
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
        mentions: dict[tuple[tuple[Place, ...], str], Mention] = {}
        outside_frames = _FRAME.sub(" ", text)
        for finder, part in (
            (self._frames, text),
            (self._files, outside_frames),
            (self._options_in, outside_frames),
            (self._names, outside_frames),
            (self._messages_in, outside_frames),
        ):
            for mention in finder(part):
                # two classes of a file have the same place, and are two mentions
                shared = mention.kind in ("class", "option")
                name = mention.words.rpartition(".")[2] if shared else ""
                mentions.setdefault((mention.places, name), mention)
        return list(mentions.values())

    def _frames(self, text: str) -> Iterator[Mention]:
        """Frames of tracebacks: the file by its longest known end, the function by its name."""
        for match in (*_FRAME.finditer(text), *_PYTEST_FRAME.finditer(text)):
            path = self._path(match["path"].replace("\\", "/"))
            if path is None:
                continue
            line = int(match["line"])
            name = match.groupdict().get("name") or ""
            functions = self._functions_of_frame(path, name, line)
            places = tuple(Place(path, function) for function in functions)
            yield Mention("frame", match[0].strip(), places, line)

    def _functions_of_frame(self, path: str, name: str, line: int) -> list[str]:
        """The function of a frame, or those it may be; "" for the file, where none has its name.

        Lines move between versions, names seldom do, so a line decides only among those of a name.
        """
        if name in ("", MODULE):
            return [name or self.function_at(path, line)]
        functions = {
            span.name: span for span in self._spans[path] if span.name.rpartition(".")[2] == name
        }
        for span in self._inner[path]:
            if span.name == name:
                functions[self.function_at(path, span.first)] = span
        at_line = [key for key, span in functions.items() if span.first <= line <= span.last]
        return at_line[:1] or sorted(functions) or [""]

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
        """Files; a bare name that many have, such as models.py, is the writer's own."""
        for match in _FILE.finditer(text):
            if match[1].removeprefix("./") in _COMMON_FILES:
                continue
            paths = self._paths.get(match[1].removeprefix("./"), set())
            if 0 < len(paths) <= _MOST_FILES:
                yield Mention("file", match[1], tuple(Place(path, "") for path in sorted(paths)))

    def _options_in(self, text: str) -> Iterator[Mention]:
        for match in _OPTION.finditer(text):
            places = self._options.get(match[1])
            if places:
                yield Mention("option", match[1], tuple(sorted(places)))

    def _names(self, text: str) -> Iterator[Mention]:
        own = {name for name in _DEFINITION.findall(text) if not self._is_unique(name)}
        aliases = set(_ALIAS.findall(text)) | self._packages
        for written, is_call in _code_names(text):
            mention = self._mention(written, is_call, aliases)
            if mention and mention.words.rpartition(".")[2] not in own | _NOT_NAMES:
                yield mention
        yield from self._method_calls(text, own)

    def _mention(self, written: str, is_call: bool, aliases: set[str]) -> Mention | None:
        prefix, _, bare = written.rpartition(".")
        if len(bare) <= 1 or (not prefix and bare in _COMMON):
            return None
        is_free = not prefix or prefix in aliases
        return self._called(bare) if is_call and is_free else self._named(written)

    def _is_unique(self, name: str) -> bool:
        """Whether a definition in a message is quoted from here: only one thing has its name."""
        return len(self._functions.get(name, ())) + len(self._classes.get(name, ())) == 1

    def _method_calls(self, text: str, own: set[str]) -> Iterator[Mention]:
        """Methods that are called on some value, where hardly anything else is named so."""
        for value, name in _METHOD_CALL.findall(text):
            if name in _OF_ANY_VALUE | own or value in sys.stdlib_module_names:
                continue
            places = self._methods.get(name, set())
            if 0 < len(places) <= (_MOST_METHODS if "_" in name else 1):
                yield Mention("function", name, tuple(sorted(places)))

    def _called(self, name: str) -> Mention | None:
        """What a call without a dot means: a function, a class, or a method of that only name."""
        places = self._functions.get(name, set())
        functions = {place for place in places if "." not in place.function}
        classes = self._classes.get(name, set())
        methods = places if len(places) <= _MOST_UNBOUND else set()
        return _mention_of(name, functions | classes or methods, classes)

    def _named(self, written: str) -> Mention | None:
        """What a name means: a function, then a class, then the class whose attribute it is."""
        prefix, _, bare = written.rpartition(".")
        places = self._functions.get(written, set())
        classes = _held_by(prefix, self._classes.get(bare, set()))
        if prefix and not places:
            free = {place for place in self._functions.get(bare, ()) if "." not in place.function}
            places = _held_by(prefix, free)
        if places or classes or not prefix:
            return _mention_of(written, places or classes, classes)
        holder = prefix.rpartition(".")[2]
        classes = self._classes.get(holder, set()) if len(holder) > 1 else set()
        return _mention_of(prefix, classes, classes)

    def _messages_in(self, text: str) -> Iterator[Mention]:
        """Error messages and the like that the code holds word for word."""
        words = " ".join(text.lower().split())
        for message, places in self._messages.items():
            if len(places) == 1 and message in words and _stands_alone(message, words):
                yield Mention("message", message, tuple(places))


def _mention_of(written: str, places: set[Place], classes: set[Place]) -> Mention | None:
    kind: MentionKind = "class" if places <= classes else "function"
    return Mention(kind, written, tuple(sorted(places))) if places else None


def _held_by(prefix: str, places: set[Place]) -> set[Place]:
    """The places that a dotted prefix can hold: it is their module or a package around it."""
    if not prefix:
        return places
    last = prefix.rpartition(".")[2]
    return {place for place in places if {last, f"{last}.py"} & {*place.path.split("/")}}


def _stands_alone(phrase: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(phrase)}(?!\w)", text) is not None


def _code_names(text: str) -> Iterator[tuple[str, bool]]:
    """Names that are written like code, as they stand, and whether each is called."""
    outside = _BACKTICKED.sub(" ", text)
    for match in _BACKTICKED.finditer(text):
        code = match[1].strip().removeprefix("@")
        name = _NAME.match(code)
        if name and len(name[0]) > 2:
            yield name[0], code[name.end() : name.end() + 1] == "("
        for call in _CALL.finditer(code):
            yield call[1], True
    for pattern in (_CALL, _DOTTED, _SNAKE, _CAMEL):
        for match in pattern.finditer(outside):
            yield match[1], pattern is _CALL


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
