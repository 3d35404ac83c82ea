"""Command lines for a parser that a module builds with argparse."""

from __future__ import annotations

import ast
from typing import Dict, List, NamedTuple, Optional

MAX_LINES = 80
MAX_TEXT = 20
MAX_TEXTS = 3
_FLAGS = ("store_", "count", "version", "help")
"""How the actions begin of options that take no value."""
Words = Dict[Optional[str], ast.expr]
Line = List[str]


class _Declaration(NamedTuple):
    """A call of add_argument or add_parser: the names it is given, and its keywords."""

    method: str
    names: List[str]
    keywords: Words

    @property
    def flag(self) -> str:
        """The last of the option's names; empty for a positional argument."""
        flags = [name for name in self.names if name.startswith("-")]
        return flags[-1] if flags else ""

    @property
    def takes_no_value(self) -> bool:
        """Whether the option stands alone."""
        return self._text("action").startswith(_FLAGS)

    @property
    def may_be_left_out(self) -> bool:
        """Whether a positional argument need not be given."""
        return self._text("nargs") in ("*", "?")

    @property
    def takes_any_text(self) -> bool:
        """Whether the value is neither one of a choice nor of a type."""
        return "choices" not in self.keywords and "type" not in self.keywords

    def _text(self, keyword: str) -> str:
        return str(getattr(self.keywords.get(keyword), "value", ""))

    def word(self, plain: str) -> str:
        """A word for the value: its first choice, a number where it wants one."""
        choices = getattr(self.keywords.get("choices"), "elts", [])
        chosen = getattr(choices[0], "value", None) if choices else None
        if chosen is not None:
            return str(chosen)
        is_number = getattr(self.keywords.get("type"), "id", "") in ("int", "float")
        return "3" if is_number else plain

    def option_lines(self, texts: List[str]) -> List[Line]:
        """The option alone, or with each of a few values; nothing for what is no option."""
        if self.method == "add_parser" or not self.flag:
            return []
        if self.takes_no_value:
            return [[self.flag]]
        values = [self.word("3"), *(texts[:MAX_TEXTS] if self.takes_any_text else [])]
        return [[self.flag, value] for value in values]


def command_lines(tree: ast.AST, texts: List[str]) -> List[Line]:
    """Lists of arguments for a parser that a module builds: what it has to be given, then each
    option alone and beside that, then the options of two kinds together.

    Args:
        tree: The module.
        texts: Texts that options may take.
    """
    texts = [text for text in texts if len(text) < MAX_TEXT and not text.startswith("-")]
    declarations = _declarations(tree)
    options = [line for declaration in declarations for line in declaration.option_lines(texts)]
    plain, *other_commands = _starts(declarations)
    plain = plain or ["abc"]
    alone: List[Line] = []
    for option in options:
        alone += [[*plain, *option], option]
    together = [[*plain, *first, *second] for first, second in zip(options, options[1:])]
    return [plain, *other_commands, *alone, *together][:MAX_LINES]


def _starts(declarations: List[_Declaration]) -> List[Line]:
    """Each command with what has to be given; that alone where there are no commands."""
    commands: List[Line] = []
    required: Line = []
    for declaration in declarations:
        if declaration.method == "add_parser":
            commands += [[name] for name in declaration.names[:1]]
        elif not declaration.flag and not declaration.may_be_left_out:
            required.append(declaration.word("abc"))
    return [[*command, *required] for command in commands or [[]]]


def _declarations(tree: ast.AST) -> List[_Declaration]:
    """The arguments, options and commands that a module declares."""
    declarations = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr not in ("add_argument", "add_parser"):
            continue
        constants = [word.value for word in node.args if isinstance(word, ast.Constant)]
        names = [value for value in constants if isinstance(value, str)]
        keywords = {keyword.arg: keyword.value for keyword in node.keywords}
        declarations.append(_Declaration(node.func.attr, names, keywords))
    return declarations
