"""The warnings of a call, and whether they are the project's own.

What Python or a package says is deprecated is there in one version and gone in the next: a test
that expects such a warning, or what came with it, fails there.
"""

from __future__ import annotations

import os
import sys
import warnings
from typing import Any, List, Type

_VERSION_BOUND = (DeprecationWarning, PendingDeprecationWarning, FutureWarning)
_DECORATORS = ("warnings.py", "typing_extensions.py")
"""Files whose `deprecated` warns on behalf of the function that it decorates."""
_INSTALLED = (os.path.dirname(os.__file__), "site-packages", "dist-packages")


class Warned:
    """Listens to warnings from `listen` on, until `warnings.catch_warnings` ends.

    Attributes:
        names: The names of their categories, each once.
        version_bound: Whether somebody else than the project said that something is deprecated.
    """

    def __init__(self) -> None:
        self.names: List[str] = []
        self.version_bound = False

    def listen(self) -> None:
        """Begin."""
        warnings.simplefilter("always")
        warnings.showwarning = self._heard

    def _heard(self, message: Any, category: Type[Warning], *_: Any, **__: Any) -> None:
        if category.__name__ not in self.names:
            self.names.append(category.__name__)
        if issubclass(category, _VERSION_BOUND) and not _is_the_projects(sys._getframe(1)):
            self.version_bound = True


def _is_the_projects(frame: Any) -> bool:
    """Whether a function of the project issued the warning that is being shown below a frame."""
    while frame is not None and frame.f_code.co_name in ("_showwarnmsg", "warn", "warn_explicit"):
        frame = frame.f_back
    if frame is None:
        return False
    file = frame.f_code.co_filename
    if os.path.basename(file) in _DECORATORS:
        return True
    # a function written in C warns in the name of the function that called it
    says_warn = not {"warn", "warn_explicit"}.isdisjoint(frame.f_code.co_names)
    return says_warn and not any(part in file for part in _INSTALLED)
