"""Why a test fails that passes in the user's own checkout: something is not there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from copydesk.agent.desk.failures import FailedTest
from copydesk.agent.text import clean

_LACKS = re.compile(r"No module named|cannot import name|No such file or directory")

_MAX_REASONS = 3


def with_reasons(tests: Iterable[FailedTest], absent: Mapping[str, str]) -> list[FailedTest]:
    """Failed tests, each with the reason for it where something of the checkout is not there.

    Args:
        tests: The failed tests.
        absent: What is not there or not as it should be: the reason, in words, by path.
    """
    explained = []
    for test in tests:
        reasons = [clean(reason) for path, reason in absent.items() if _concerns(test, path)]
        if reasons:
            error = f"{test.error} - {'; '.join(reasons[:_MAX_REASONS])}"
            test = test._replace(error=error)
        explained.append(test)
    return explained


def _concerns(test: FailedTest, path: str) -> bool:
    """Whether what pytest said of a test names a path, or may be for want of a submodule."""
    said = f"{test.error}\n{test.output}"
    name = path.rpartition("/")[2]
    stem = name.partition(".")[0]
    if re.search(rf"(?<!\w){re.escape(path)}|(?<!\w){re.escape(name)}(?!\w)", said):
        return True
    if not _LACKS.search(test.error):
        return False
    is_submodule = "." not in name
    return is_submodule or re.search(rf"(?<!\w){re.escape(stem)}(?!\w)", test.error) is not None
