import pytest

from copydesk.agent.coverage.source.blocks import parse
from copydesk.agent.coverage.source.cached_functions import cached_functions
from copydesk.agent.coverage.source.module_diff import compare_modules

KEPT = (
    "import functools\n\n\n@functools.lru_cache\ndef kept(x):\n    return x\n\n\n"
    "class Box:\n    @functools.cache\n    def inside(self):\n        return 1\n\n\n"
    "def plain(x):\n    return kept(x)\n\n\n"
)


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("START = kept(1)\n", "START = plain(2)\n", {"kept", "inside"}),
        ("", "START = plain(2)\n", {"kept", "inside"}),
        ("START = kept(1)\n", "", {"kept", "inside"}),
        ("START = kept(1)\n", "# said\n\nSTART = kept(1)\n", set()),
        ("START = 1\n", "START = 2\n", set()),
        ("", "import os\n", set()),
        ("", "def more():\n    return plain(1)\n", set()),
    ],
)
def test_an_import_that_calls_something_else_may_fill_another_cache(
    old: str, new: str, found: set[str]
) -> None:
    sources = [KEPT + old, KEPT + new, "def kept_too(x):\n    return x\n"]
    calls = compare_modules(parse(KEPT + old), parse(KEPT + new)).calls
    assert (cached_functions(sources) if calls else set()) == found


def test_the_cache_may_stand_in_what_the_module_imports() -> None:
    old, new = (parse(f"import far\n\nSTART = far.plain({n})\n") for n in range(2))
    assert compare_modules(old, new).calls
    assert cached_functions([KEPT]) == {"kept", "inside"}
    assert cached_functions(["def plain(x):\n    return x\n"]) == set()
