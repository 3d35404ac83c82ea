"""The prompts, as texts beside the code."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Template

_FOLDER = Path(__file__).parent / "prompts"


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt: its version, the system text, and a template with $names."""

    version: str
    system: str
    template: str

    def fill(self, **values: str) -> str:
        """The template with its names replaced, once: a $ inside a value stays.

        Raises:
            KeyError: A name has no value.
        """
        return Template(self.template).substitute(values)


@cache
def load(name: str) -> Prompt:
    """Read prompts/<name>.md: the version, the system text, a line of three dashes, the template.

    Raises:
        FileNotFoundError: There is none of that name.
    """
    version, _, texts = (_FOLDER / f"{name}.md").read_text("utf-8").partition("\n")
    system, _, template = texts.partition("\n---\n")
    return Prompt(version.strip(), system.strip(), template.strip() + "\n")
