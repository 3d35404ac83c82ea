"""Forged drafts that look inside are stopped by a question, before anything of them counts."""

from __future__ import annotations

import ast
import importlib
import types
import warnings

import pytest
from tests.agent.testgen.verify.forged import FORGED
from tests.agent.testgen.verify.forged_siblings import SIBLINGS
from tests.agent.testgen.verify.good import GOOD

from copydesk.agent.testgen.verify.questions import questions
from copydesk.agent.testgen.verify.questions.library import ALLOWED_LIBRARY, ALLOWED_OF

NOT_ASKED = {
    *("a listed folder", "a pattern", "fileinput", "a copy of the folder", "an archive"),
    *("a child that reads", "two spaces after normalising", "the tree of the sandbox in a child"),
    *("the mode of shared memory", "a snapshot beside the test", "equal to itself"),
    *("equal to anything", "a spy that was called", "nothing was raised", "a log that was silent"),
    *("compared with a fresh load", "expected values from the target", "a mock of itself"),
    *("a hard link", "a link", "a thread that reads", "a child of a child that reads"),
    *("the date of the temporary folder", "a mark in the cache of the home", "a file made again"),
    *("a value through JSON", "the same plus one", "sorted it is the same"),
    *("found where it was put", "formatted twice"),
    *("a formatter of exceptions", "the log of an exception", "the stack in a log"),
}
"""Forged drafts that use nothing but what honest ones do; later rungs have to notice them."""


def asked(draft: str) -> list[str]:
    return questions(ast.parse(draft), "prices.py", {"prices", "tests"}.__contains__)


@pytest.mark.parametrize("name", sorted({*FORGED, *SIBLINGS} - NOT_ASKED))
def test_a_forged_draft_asks(name: str) -> None:
    assert asked({**FORGED, **SIBLINGS}[name])


@pytest.mark.parametrize("name", GOOD)
def test_a_good_draft_asks_nothing(name: str) -> None:
    good = GOOD[name]
    assert questions(ast.parse(good.draft), good.path, {"shop", "tests"}.__contains__) == []


@pytest.mark.parametrize("name", sorted(ALLOWED_LIBRARY | ALLOWED_OF.keys()))
def test_a_module_that_an_allowed_one_has_imported_counts_as_imported(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            module = importlib.import_module(name)
        except ImportError:
            pytest.skip("not in this Python, or not on this system")
        parts = [(attribute, getattr(module, attribute, None)) for attribute in dir(module)]
    for attribute, part in parts:
        if not isinstance(part, types.ModuleType) or part is module:
            continue
        package = part.__name__.partition(".")[0]
        if package not in ALLOWED_LIBRARY and package != name.partition(".")[0]:
            assert asked(f"import {name}\n{name}.{attribute}.look"), (name, attribute)
            assert asked(f"from {name} import {attribute} as m\nm.look"), (name, attribute)
