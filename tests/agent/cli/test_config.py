import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def test_what_is_in_force_and_from_where(run: Any, shop: Path) -> None:
    (shop / "pyproject.toml").write_text(
        '[tool.copydesk]\nfail_under = 80\nstories = false\ntests = ["unit"]\n'
    )
    found = json.loads(run(shop, "config", "--json").output)
    assert found["fail_under"] == {"value": 80.0, "from": "pyproject.toml"}
    assert found["sandbox"] == {"value": "off", "from": "git config copydesk.sandbox"}
    assert found["allow_remote"] == {"value": False, "from": "default"}
    said = [line.split()[:2] for line in run(shop, "config").output.splitlines()]
    assert ["fail_under", "80"] in said
    assert ["stories", "no"] in said
    assert ["tests", "unit"] in said


@pytest.mark.parametrize(
    "key", ["model_host", "modelHost", "copydesk.modelHost", "MODEL-HOST"], ids=str
)
def test_a_personal_key_is_set_and_unset_however_it_is_spelt(
    run: Any, shop: Path, git: Callable[..., str], key: str
) -> None:
    assert run(shop, "config", "--set", f"{key}=localhost:1=2").exit_code == 0
    assert git(shop, "config", "copydesk.modelHost") == "localhost:1=2"
    assert run(shop, "config", "--unset", key).exit_code == 0
    assert "copydesk.modelhost" not in git(shop, "config", "--list")


@pytest.mark.parametrize(
    ("words", "slug"),
    [
        (("--set", "fail_under=3"), "project-key"),
        (("--unset", "model"), "project-key"),
        (("--set", "sandboks=off"), "unknown-key"),
        (("--set", "sandbox=maybe"), "bad-config"),
        (("--set", "idle_seconds=-1"), "bad-config"),
    ],
    ids=str,
)
def test_what_cannot_be_set_is_refused_before_anything_is(
    run: Any, shop: Path, git: Callable[..., str], words: tuple[str, ...], slug: str
) -> None:
    done = run(shop, "config", "--set", "allow_remote=yes", *words)
    assert done.exit_code == 2
    assert f"messages.md#{slug}" in done.output
    assert "allowremote" not in git(shop, "config", "--list")


def test_set_without_value_is_a_usage_error(run: Any, shop: Path) -> None:
    done = run(shop, "config", "--set", "sandbox")
    assert done.exit_code == 2
    assert "KEY=VALUE" in done.output
