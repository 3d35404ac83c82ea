"""Ask a model for tests of one gap: one function and one group of branches a request."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from copydesk.agent.model import prompts
from copydesk.agent.model.client import AnswerOptions, Client, ModelFault, estimate
from copydesk.agent.records import Candidate, Gap
from copydesk.agent.testgen.model.extract_code import python_in
from copydesk.agent.testgen.model.path_conditions import BranchGroup, branch_groups
from copydesk.agent.testgen.model.prompt_excerpts import (
    class_heading,
    example_test,
    fenced,
    fixture_names,
    function_excerpt,
    pick_test,
    read_inside,
)
from copydesk.agent.testgen.model.repair import Aim, Repaired, repair
from copydesk.agent.testgen.project import FunctionNode, function_node, import_name

PROMPT_TOKENS: Final = 1500
"""The longest prompt, system text included, by the estimate."""

ANSWER_TOKENS: Final = 512
GROUPS: Final = 4
"""Requests for one gap; what is left over is a gap again after the next measure."""

TURNS: Final = 2
"""Times the same group is asked when no test comes back."""

REPAIRS: Final = 2
"""Times the model is shown how its test failed."""

_CONDITIONS = 6
_SEEDS = 5

BUILT_IN_EXAMPLE: Final = """\
def test_page_below_one_is_refused():
    with pytest.raises(ValueError):
        page_bounds(0, 10)


def test_last_page_is_shorter():
    assert page_bounds(3, 25) == (20, 25)"""
"""Shown to a project that has no test to learn from."""


class _Material(NamedTuple):
    """Everything a prompt for one function is made of."""

    gap: Gap
    aim: Aim
    node: FunctionNode
    seeds: tuple[str, ...]
    example: str
    fixtures: tuple[str, ...]


def draft_with_model(
    gap: Gap,
    tree: Path,
    client: Client,
    *,
    seeds: Sequence[str] = (),
    example: str | None = None,
) -> list[Candidate]:
    """Have a model write tests for the uncovered lines and branches of a function.

    Nothing is executed here: a candidate is only a text that parses, asserts something and
    imports its target.

    Args:
        gap: What no test reaches. A gap in a module's own statements gives no draft.
        tree: The snapshot it was measured in.
        client: The model.
        seeds: Calls that the embedded drafter tried, such as "clamp(3, 0)", as examples of inputs.
        example: A test, or a whole test module, to learn the style from; by default the
            project's nearest one.

    Returns:
        At most one candidate a branch group, its origin the model's name.

    Raises:
        ModelFault: The model failed before it had written anything usable.
    """
    drafter = ModelDrafter(gap, tree, client, seeds=seeds, example=example)
    drafts: list[Candidate] = []
    for group in drafter.groups:
        try:
            draft = drafter.draft(group)
        except ModelFault:
            if drafts:
                break  # what is there can be verified; the rest stays a gap
            raise
        if draft:
            drafts.append(draft)
    return drafts


class ModelDrafter:
    """Asks a model about one gap, a group of branches at a time.

    Args:
        gap: What no test reaches.
        tree: The snapshot it was measured in.
        client: The model.
        seeds: Calls that were tried, as examples of inputs.
        example: A test to learn the style from; by default the project's nearest one.
    """

    def __init__(
        self,
        gap: Gap,
        tree: Path,
        client: Client,
        *,
        seeds: Sequence[str] = (),
        example: str | None = None,
    ) -> None:
        self.client = client
        self.groups: list[BranchGroup] = []
        self._material = _gather(gap, tree, seeds, example)
        if self._material:
            groups = branch_groups(self._material.node, gap.lines, gap.branches)
            self.groups = groups[:GROUPS]

    def draft(self, group: BranchGroup) -> Candidate | None:
        """Ask for tests of one group; None when no answer holds one.

        Raises:
            ModelFault, ModelUnavailable: The model failed.
        """
        version = prompts.load("test").version
        prompt = self._prompt(group)
        if not prompt:
            return None
        request = prompt
        for turn in range(TURNS):
            candidate = self._ask(group, request, version, seed=turn)
            if candidate:
                return candidate
            request = prompt + "\nThe last answer held no test that asserts something.\n"
        return None

    def again(
        self, group: BranchGroup, tried: Candidate, why: str, *, turn: int
    ) -> Candidate | None:
        """Ask once more, with the test that was not kept and the reason as a counter-example.

        Nothing of the first conversation is sent along: a short prompt is what small models read.

        Args:
            group: The group it was asked for.
            tried: What was tried.
            why: How it failed.
            turn: 1, 2 ...; another one gives another answer.

        Raises:
            ModelFault, ModelUnavailable: The model failed.
        """
        template = prompts.load("again")
        test, reason = fenced(_clipped(tried.content, 900)), fenced(_clipped(why, 600))
        tokens = estimate(template.fill(prompt="", test=test, why=reason))
        prompt = self._prompt(group, less=tokens)
        if not prompt:
            return None
        request = template.fill(prompt=prompt.strip(), test=test, why=reason)
        return self._ask(group, request, template.version, seed=turn * TURNS)

    def _prompt(self, group: BranchGroup, less: int = 0) -> str:
        assert self._material  # else there are no groups
        return build_prompt(self._material, group, less=less) or ""

    def _ask(
        self, group: BranchGroup, request: str, version: str, *, seed: int
    ) -> Candidate | None:
        """Ask once; None when the answer holds no test."""
        assert self._material
        answer = self.client.ask(
            request,
            system=prompts.load("test").system,
            purpose="test",
            version=version,
            options=AnswerOptions(max_tokens=ANSWER_TOKENS, seed=seed),
        )
        repaired = repair(python_in(answer.text), self._material.aim)
        if repaired is None:
            return None
        return _candidate(self._material, group, self.client.name, version, repaired)


def _clipped(text: str, size: int) -> str:
    """A text of at most so many characters: its end is what tells most of a traceback."""
    return text if len(text) <= size else f"...\n{text[-size:]}"


def _gather(gap: Gap, tree: Path, seeds: Sequence[str], example: str | None) -> _Material | None:
    source = read_inside(tree, gap.path)
    function = gap.function.partition(".<locals>")[0]
    node, module = function_node(source, function), import_name(gap.path, tree)
    if node is None or not module:
        return None
    if example is None:
        chosen = example_test(tree, gap.path, function)
    else:
        chosen = pick_test(example, function) or example
    return _Material(
        gap,
        Aim(module, function, source, tree),
        node,
        tuple(dict.fromkeys(seeds))[:_SEEDS],
        chosen or BUILT_IN_EXAMPLE,
        tuple(fixture_names(tree)),
    )


def _candidate(
    material: _Material, group: BranchGroup, model: str, version: str, repaired: Repaired
) -> Candidate:
    lines = ", ".join(str(line) for line in group.lines)
    notes = (f"prompt {version}", f"asked for lines {lines}: {_in_words(group)}", *repaired.notes)
    return Candidate(material.gap, model, repaired.content, repaired.tests, (), notes)


def build_prompt(material: _Material, group: BranchGroup, *, less: int = 0) -> str | None:
    """The prompt for one group, the richest that fits the budget; None when none does.

    Args:
        material: What it is made of.
        group: What it asks for.
        less: Tokens to leave for something else.
    """
    template = prompts.load("test")
    room = PROMPT_TOKENS - estimate(template.system) - less
    name = material.aim.function
    for budget, extras in _plans(material):
        source = function_excerpt(material.aim.source, material.node, group.lines, budget)
        heading = class_heading(material.aim.source, name)
        prompt = template.fill(
            import_line=f"from {material.aim.module} import {name.partition('.')[0]}",
            source=fenced(f"{heading}\n\n{source}" if heading else source),
            conditions=_in_words(group),
            extras=extras,
            function=name,
        )
        if estimate(prompt) <= room:
            return prompt
    return None


def _plans(material: _Material) -> Iterator[tuple[int, str]]:
    """Ever smaller budgets for the source, and what is said beside it."""
    how_to_call = _how_to_call(material.node)
    calls = how_to_call
    if material.seeds:
        seeds = "".join(f"\n- {seed}" for seed in material.seeds)
        calls += f"\nCalls that work, but do not reach them:{seeds}\n"
    example = f"\nA test of this project, for its style:\n{fenced(material.example)}\n"
    fixtures = ""
    if material.fixtures:
        fixtures = f"\nFixtures you may use: {', '.join(material.fixtures)}\n"
    yield 800, calls + example + fixtures
    yield 600, calls + example
    yield 800, calls
    yield 500, how_to_call
    yield 250, ""


def _how_to_call(node: FunctionNode) -> str:
    """How to call a function whose result is not there at once."""
    if isinstance(node, ast.AsyncFunctionDef):
        return "\nIt is async: call it with asyncio.run(...) in a plain test.\n"
    if any(isinstance(part, ast.Yield | ast.YieldFrom) for part in ast.walk(node)):
        return "\nIt is a generator: take its values with list(...).\n"
    return ""


def _in_words(group: BranchGroup) -> str:
    """The conditions as one clause; of many the innermost are named, they are the hard ones."""
    words = group.conditions[-_CONDITIONS:]
    return ", then ".join(words) if words else "call it"
