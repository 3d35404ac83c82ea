"""Works out where an accepted test goes, and the text of its file then. Writes nothing."""

from __future__ import annotations

import io
import os
import re
import tokenize
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from copydesk.agent.coverage.runner import patterns_of_test_files, pytest_setting
from copydesk.agent.coverage.source import is_test_file
from copydesk.agent.records import Draft
from copydesk.agent.testgen.accept.annotate_tests import annotate, are_annotated, project_annotates
from copydesk.agent.testgen.accept.match_style import match_style
from copydesk.agent.testgen.accept.merge_modules import merge
from copydesk.agent.testgen.accept.reexports import import_as_existing
from copydesk.agent.testgen.project import (
    has_test_of_each_module,
    named_test,
    nearest_test,
    project_folder,
    project_tests,
)

_TEST_NAME = re.compile(r"(test_.+|.+_test|tests?)\.py")


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a draft goes: a path relative to the work tree, the file's new text and, when the
    file exists, its text now.
    """

    path: str
    new_text: str
    old_text: str | None


def place_draft(draft: Draft, worktree: Path) -> Placement:
    """Find the place of an accepted test draft; reads the work tree, writes nothing.

    Args:
        draft: A test draft; its target says which source file it is for.
        worktree: The top of the work tree.

    Returns:
        The existing test module of that source with the tests appended, or a new file beside
        its siblings when there is none, the two do not go together, or most test modules are
        named for the module that they test and that source has none.
    """
    content = draft.content.replace("\r\n", "\n")
    source = draft.target.path if draft.target else ""
    nearest = nearest_test(worktree, source) if source else None
    if nearest is not None and _takes_tests_of(worktree, source):
        function = draft.target.function if draft.target else ""
        placement = _merged(worktree, nearest, content, function)
        if placement is not None:
            return placement
    if project_annotates(worktree):
        content = annotate(content)
    return Placement(_new_path(worktree, source or draft.path, nearest), content, None)


def place_behind(draft: Draft, worktree: Path, former: Placement) -> Placement | None:
    """Where a draft goes once another one is written where that was placed.

    Args:
        draft: A test draft.
        worktree: The top of the work tree, as it is before that.
        former: The place of the other one.

    Returns:
        The same file, with the tests behind those; None where it goes into another file, or the
        two do not go together.
    """
    if place_draft(draft, worktree).path != former.path:
        return None
    content = draft.content.replace("\r\n", "\n")
    function = draft.target.function if draft.target else ""
    return _appended(worktree, former.path, former.new_text, content, function)


def _takes_tests_of(worktree: Path, source: str) -> bool:
    """Whether tests of a source file go to its nearest test module, whatever that is named for."""
    return named_test(worktree, source) is not None or not has_test_of_each_module(worktree)


def _merged(worktree: Path, path: str, content: str, function: str) -> Placement | None:
    """A draft in an existing test module; None where the two do not go together."""
    old = read_test_file(worktree / path)
    return None if old is None else _appended(worktree, path, old, content, function)


def _appended(worktree: Path, path: str, old: str, content: str, function: str) -> Placement | None:
    """A draft behind the text of a test module; None where the two do not go together."""
    draft = match_style(old, import_as_existing(old, content, worktree), function)
    if are_annotated(old):
        draft = annotate(draft)
    new = merge(old, draft)
    if new is None or not _can_be_encoded(worktree / path, new):
        return None
    return Placement(path, new, old)


def read_test_file(path: Path) -> str | None:
    """The text of a file exactly, line endings included; None when it cannot be kept exactly."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    return decode(data)


def decode(data: bytes) -> str | None:
    """The text of a source file's bytes; None when they do not come back from it."""
    try:
        encoding = source_encoding(data)
        text = data.decode(encoding)
        return text if text.encode(encoding) == data else None
    except (SyntaxError, UnicodeError, LookupError):
        return None


def source_encoding(data: bytes) -> str:
    """The encoding a file declares (PEP 263), "utf-8-sig" with a byte order mark."""
    return tokenize.detect_encoding(io.BytesIO(data).readline)[0]


def _can_be_encoded(path: Path, text: str) -> bool:
    """Whether the file's encoding has all the characters of its new text; UTF-8 for a new file."""
    try:
        data = path.read_bytes() if path.exists() else b""
        return decode(text.encode(source_encoding(data))) == text
    except (OSError, UnicodeError, SyntaxError):
        return False


# -- new files


def is_test_name(name: str) -> bool:
    """Whether a file name is one of a test module: "tests.py" is, "conftest.py" is not."""
    return _TEST_NAME.fullmatch(name) is not None and name != "conftest.py"


def is_test_module(path: str, worktree: Path) -> bool:
    """Whether a path is one of a test module, by its name or the project's `python_files`."""
    name = path.rpartition("/")[2]
    if is_test_name(name):
        return True
    patterns = patterns_of_test_files(worktree / project_folder(path, worktree))
    return name.endswith(".py") and name != "conftest.py" and is_test_file(path, patterns)


def _new_path(worktree: Path, source: str, nearest: str | None) -> str:
    """A free name in the project's style: beside the nearest test, in the folder of tests that
    mirrors the source's, or in tests/.
    """
    path = PurePosixPath(source)
    if own := project_folder(source, worktree):
        below = nearest.removeprefix(f"{own}/") if nearest else None
        return f"{own}/{_new_path(worktree / own, source.removeprefix(f'{own}/'), below)}"
    tests = [PurePosixPath(file) for file in project_tests(worktree)]
    folder = PurePosixPath(nearest).parent if nearest else _folder(worktree, path, tests)
    patterns = patterns_of_test_files(worktree)
    taken = {test.name for test in tests} - set(patterns)
    suffixed = sum(test.stem.endswith("_test") for test in tests) * 2 > len(tests)
    stem = _stem(worktree, path, is_test=nearest is None and is_test_name(path.name))
    for number, name in enumerate(_names(stem, path.parent.name, suffixed)):
        named = _candidate(number, name, folder, patterns)
        if named.name not in taken and not os.path.lexists(worktree / named):
            return str(named)
    raise AssertionError("unreachable: the names never end")


def _candidate(
    number: int, name: str, folder: PurePosixPath, patterns: Sequence[str]
) -> PurePosixPath:
    """Where the n-th name for a new test file leads.

    A project whose pytest collects files of one name only gets that name, in another folder each
    time; when these are all taken, a name that it does not collect.
    """
    collected = _collected(name, folder, patterns)
    if number >= len(_OTHER_FOLDERS) and "*" not in "".join(patterns):
        return folder / name
    if number and collected in patterns:
        return _OTHER_FOLDERS[number] / collected
    return folder / collected


_OTHER_FOLDERS = (PurePosixPath(), PurePosixPath("tests"), PurePosixPath("test"))
"""Where the next file of the one name goes that a project's pytest collects."""


def _collected(name: str, folder: PurePosixPath, patterns: Sequence[str]) -> str:
    """A name like this that the project's pytest collects: its `python_files` may want another."""
    if is_test_file(str(folder / name), patterns):
        return name
    stem = re.sub(r"^test_|_test(?=\.py$)|\.py$", "", name).removesuffix(".py")
    for pattern in patterns:
        other = pattern.rpartition("/")[2].replace("*", stem, 1)
        if other.endswith(".py") and is_test_file(str(folder / other), patterns):
            return other
    return name


def _stem(worktree: Path, source: PurePosixPath, *, is_test: bool) -> str:
    """What a test file of a source file is named for.

    Args:
        worktree: The top of the work tree.
        source: The source file.
        is_test: The source is a test file itself: it is named for what that is named for.
    """
    if is_test:
        return re.sub(r"^test_|_test$", "", source.stem)
    stem = source.stem if source.stem != "__init__" else source.parent.name or "package"
    public = stem.strip("_")
    if public and not (worktree / source).with_name(f"{public}.py").exists():
        return public
    return stem


def _names(stem: str, package: str, suffixed: bool) -> Iterator[str]:
    """Names for a test file, the best first, without end."""
    words = re.sub(r"\W", "_", stem)
    yield _test_name(words, suffixed)
    if package:
        yield _test_name(re.sub(r"\W", "_", f"{package}_{stem}"), suffixed)
    number = 2
    while True:
        yield _test_name(f"{words}_{number}", suffixed)
        number += 1


def _test_name(words: str, suffixed: bool) -> str:
    return f"{words}_test.py" if suffixed else f"test_{words}.py"


def _folder(worktree: Path, source: PurePosixPath, tests: list[PurePosixPath]) -> PurePosixPath:
    """The folder of a new test file."""
    named = [PurePosixPath(name) for name in pytest_setting(worktree, "testpaths")]
    collected = _own_folders(worktree, named)
    usual = _own_folders(worktree, [PurePosixPath("tests"), PurePosixPath("test")])
    for folder in (*usual, *collected):
        if _is_in(folder, collected):
            return _mirrored_folder(worktree, folder, source)
    folders = [test.parent for test in tests if _is_in(test.parent, collected)]
    if source.parent in folders:
        return source.parent
    is_module = not is_test_name(source.name)
    if is_module and not folders and not _imports_from_anywhere(worktree):
        return PurePosixPath()  # beside the modules: from tests/ plain pytest could not import them
    return max(sorted(set(folders)), key=folders.count, default=PurePosixPath("tests"))


def _own_folders(worktree: Path, folders: Iterable[PurePosixPath]) -> list[PurePosixPath]:
    """Those of some folders that the work tree has."""
    return [folder for folder in folders if _is_own_folder(worktree / folder)]


def _is_in(folder: PurePosixPath, collected: Sequence[PurePosixPath]) -> bool:
    """Whether pytest looks into a folder: into every one where the project has no `testpaths`."""
    return not collected or any(folder.is_relative_to(top) for top in collected)


def _imports_from_anywhere(worktree: Path) -> bool:
    """Whether a test in any folder can import the project's modules under plain `pytest`.

    That puts the folder of a conftest on the import path, and what `pythonpath` says; what is
    meant to be installed is taken to be.
    """
    if (worktree / "conftest.py").is_file() or pytest_setting(worktree, "pythonpath"):
        return True
    if (worktree / "setup.py").is_file() or (worktree / "src").is_dir():
        return True
    try:
        pyproject = tomllib.loads((worktree / "pyproject.toml").read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return "project" in pyproject or "build-system" in pyproject


def _mirrored_folder(worktree: Path, folder: PurePosixPath, source: PurePosixPath) -> PurePosixPath:
    """The folder below a folder of tests that stands for a source file's, as far as it is there."""
    for part in source.parts[:-1]:
        if _is_own_folder(worktree / folder / part):
            folder = folder / part
    return folder


def _is_own_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()
