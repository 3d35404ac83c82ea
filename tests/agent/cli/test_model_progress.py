"""The line that turns while a model works."""

from __future__ import annotations

from copydesk.agent.cli.model_progress import ModelProgress


def test_the_first_token_and_the_speed_are_told() -> None:
    told: list[str] = []
    now = iter([10.0, 12.5, 13.0, 15.0, 20.0, 21.0])
    progress = ModelProgress("drafting", told.append, clock=lambda: next(now))
    progress("loading", 0)
    progress("reading", 0)
    progress("writing", 1)
    progress("writing", 21)
    progress("reading", 0)
    progress("writing", 1)
    assert told == [
        "drafting: the model is loaded",
        "drafting: the model reads",
        "drafting: the model writes, 1 token (the first after 0.5 s)",
        "drafting: the model writes, 21 tokens (the first after 0.5 s, 10 a second)",
        "drafting: the model reads",
        "drafting: the model writes, 1 token (the first after 1.0 s)",
    ]
