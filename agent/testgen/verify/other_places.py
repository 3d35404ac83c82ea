"""The places that a draft is run in besides the usual one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from copydesk.agent.sandbox.records import Surroundings
from copydesk.agent.sandboxed.copydesk_tools.elsewhere import PLACES

_SYSTEM_PATH = "/bin:/usr/bin:/usr/local/bin"
WORDS = "another user, home, machine, folder, locale, time zone, day and start of pytest"
"""What differs there."""


@dataclass(frozen=True, slots=True)
class OtherPlace:
    """A place by its number, counted from 1, as the sandboxed pytest knows it."""

    number: int
    surroundings: Surroundings
    options: tuple[str, ...]

    def at_the_usual_folder(self) -> OtherPlace:
        """The place with the tree where it always stands: an editable install may name that."""
        return replace(self, surroundings=replace(self.surroundings, folder=None))


def other_place(number: int) -> OtherPlace:
    """A place by its number, counted from 1."""
    place = PLACES[number - 1]
    around = Surroundings(
        user=place.user,
        user_id=place.user_id,
        host=place.host,
        home=Path(place.home),
        temporary=Path(place.temporary),
        folder=Path(place.folder),
        system_path=_SYSTEM_PATH,
        variables=place.variables,
        unset=place.unset,
    )
    return OtherPlace(number, around, place.options)
