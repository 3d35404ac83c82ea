"""What to do next about code that no test reaches: decided here for all who say it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from copydesk.agent.coverage.source import MODULE
from copydesk.agent.records import Draft


@dataclass(frozen=True, slots=True)
class DraftAdvice:
    """What is known of drafts, so that no command is named that cannot be carried out.

    Attributes:
        waiting: The command that decides on the draft which waits for a gap, by the gap's name.
        is_committed: Whether the code is in a commit; a draft is written for a commit.
        revision: The commit, where that is not the one which is checked out.
    """

    waiting: Mapping[str, str] = field(default_factory=dict)
    is_committed: bool = True
    revision: str = ""

    def command(self, gap: str) -> str:
        """The command that leads to a test for a gap.

        Args:
            gap: Its name: path::function, or a path for code outside of functions.
        """
        if gap in self.waiting:
            return self.waiting[gap]
        return f"copydesk draft {gap} {self.revision}".rstrip()

    def step(self, gap: str) -> str:
        """What to do for a gap, in words that end with a command.

        Args:
            gap: As for `command`.
        """
        command = self.command(gap)
        if self.is_committed or gap in self.waiting:
            return command
        return f"commit first (git commit --no-verify), then {command}"

    def sentence(self, gap: str) -> str:
        """What to do for a gap whose code is committed, as a sentence.

        Args:
            gap: As for `command`.
        """
        does = "decides on the test that was drafted" if gap in self.waiting else "drafts one"
        return f"`{self.command(gap)}` {does}."


def waiting_commands(drafts: Iterable[Draft]) -> dict[str, str]:
    """The command that decides on the newest draft of each gap.

    Args:
        drafts: Those that wait, the oldest first.
    """
    commands = {}
    for draft in drafts:
        if draft.kind != "test" or draft.target is None:
            continue
        path, function = draft.target.path, draft.target.function
        gap = path if function == MODULE else f"{path}::{function}"
        failed = draft.evidence.get("verdict") == "failed"  # as its editor left it
        commands[gap] = f"copydesk {'edit' if failed else 'accept'} {draft.id}"
    return commands
