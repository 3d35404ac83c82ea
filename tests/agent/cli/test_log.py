import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from copydesk.agent.desk.store import open_desk, transaction
from copydesk.agent.git import repository


def test_an_empty_log(run: Any, shop: Path) -> None:
    assert "Nothing was decided yet" in run(shop, "log").output
    assert "No model was asked yet" in run(shop, "log", "--model").output
    assert run(shop, "log", "--json").output == "[]\n"


def test_decisions_newest_first(run: Any, shop: Path, add_test: Callable[..., int]) -> None:
    identity = str(add_test())
    run(shop, "reject", identity, "--why", "no\ngood")
    run(shop, "undo", identity)
    run(shop, "accept", identity)
    lines = run(shop, "log").output.splitlines()
    assert [line.split()[2] for line in lines[1:]] == ["accept", "undo", "reject"]
    assert lines[1].endswith("test_prices.py")
    assert lines[3].endswith("no")
    found = json.loads(run(shop, "log", "--json", "--limit", "1").output)
    assert [(one["action"], one["draft"]) for one in found] == [("accept", int(identity))]


def test_calls_to_the_model(run: Any, shop: Path) -> None:
    with open_desk(repository.find(shop).desk) as db, transaction(db):
        db.execute(
            "INSERT INTO model_calls (purpose, model, digest, prompt, response, options,"
            " prompt_tokens, output_tokens, seconds, outcome, called_at) VALUES"
            " ('draft', 'tiny:1b', 'd', 'write', 'def', '{\"seed\": 1}', 700, NULL, 2.5, 'slow',"
            " '2026-01-01T00:00:00+00:00')"
        )
    said = run(shop, "log", "--model").output
    assert "2026-01-01  draft  tiny:1b        700    0  2.5 s  slow" in said
    (call,) = json.loads(run(shop, "log", "--model", "--json").output)
    assert (call["prompt"], call["response"], call["options"]) == ("write", "def", {"seed": 1})


def test_what_was_predicted_and_what_came_of_it(
    run: Any, shop: Path, add_test: Callable[..., int]
) -> None:
    assert "Nothing was predicted yet" in run(shop, "log", "--predictions").output
    identity = str(add_test())
    run(shop, "drafts")  # only looks
    assert "Nothing was predicted yet" in run(shop, "log", "--predictions").output
    run(shop, "review", input="q\n")
    (one,) = json.loads(run(shop, "log", "--predictions", "--json").output)
    assert (one["kind"], one["subject"], one["outcome"]) == ("draft", identity, None)
    assert one["features"]["place"] == 1
    assert one["features"]["explored"] in (0, 1)
    run(shop, "accept", identity)
    run(shop, "predict")
    assert "accepted" in run(shop, "log", "--predictions").output
    refused = run(shop, "log", "--predictions", "--model")
    assert refused.exit_code == 2
