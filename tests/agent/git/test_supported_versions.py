from __future__ import annotations

import pytest

from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.supported_versions import require_supported


@pytest.mark.parametrize(
    ("pytest_version", "coverage_version"),
    [
        ("7.0.0", "6.5.0"),
        ("8.4.2", "7.10.7"),
        ("9.2.0", "7.17.5"),
        ("9.3.0rc1", "7.99"),
        (None, "unknown"),
    ],
)
def test_versions_in_the_range_are_taken(pytest_version: str | None, coverage_version: str) -> None:
    versions = {"pytest": pytest_version, "coverage": coverage_version}
    require_supported("python", (3, 9, 18), versions)


@pytest.mark.parametrize(
    ("python", "versions", "words"),
    [
        ((3, 8, 18), {}, "Python 3.8.18"),
        ((3, 12, 1), {"pytest": "6.2.5"}, "pytest 7.0 to 9.x"),
        ((3, 12, 1), {"pytest": "10.0.0"}, "pytest 7.0 to 9.x"),
        ((3, 12, 1), {"pytest": "8.0", "coverage": "5.5"}, "coverage 6.5 to 7.x"),
        ((3, 12, 1), {"coverage": "8.0.0a1"}, "coverage 6.5 to 7.x"),
    ],
)
def test_versions_out_of_the_range_are_refused_with_the_range(
    python: tuple[int, ...], versions: dict[str, str], words: str
) -> None:
    with pytest.raises(CopydeskError, match=words) as caught:
        require_supported("/venv/bin/python", python, versions)
    assert caught.value.slug == "unsupported-version"
    assert "git config" in caught.value.hint or "pip install" in caught.value.hint
