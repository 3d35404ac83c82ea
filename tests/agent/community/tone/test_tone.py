from __future__ import annotations

import pytest

from copydesk.agent.community.tone import (
    LEAST_LABELS,
    TONES,
    load_classifier,
    refit,
    tone_with_reactions,
)
from copydesk.agent.community.tone.classifier import to_json
from copydesk.agent.community.tone.refit import macro_f1

pytest.importorskip("textblob", reason="an extra of copydesk, which the quick suite installs")


@pytest.mark.parametrize(
    ("text", "tone"),
    [
        ("This is excellent, thank you so much :)", "positive"),
        ("I hate this, it's driving me mad :(", "negative"),
        ("The function returns a list of rows.", "neutral"),
        ("🎉", "neutral"),
        ("", "neutral"),
    ],
)
def test_plain_cases_are_told(text: str, tone: str) -> None:
    assert load_classifier().classify(text)[0] == tone


def test_a_text_that_could_be_either_is_unsure() -> None:
    tone, probability = load_classifier().classify("Interesting, but strange.")
    assert tone == "unsure"
    assert probability < 0.6


def test_reactions_decide_only_what_words_leave_open() -> None:
    assert tone_with_reactions("unsure", [("👍", 2, ())]) == "positive"
    assert tone_with_reactions("unsure", [("👎", 3, ()), ("😕", 1, ())]) == "negative"
    assert tone_with_reactions("unsure", [("👍", 5, ()), ("👎", 1, ())]) == "unsure"
    assert tone_with_reactions("unsure", [("👍", 1, ())]) == "unsure"
    assert tone_with_reactions("negative", [("👍", 9, ())]) == "negative"


def test_weights_survive_being_stored() -> None:
    shipped = load_classifier()
    assert load_classifier(to_json(shipped)) == shipped


def test_labels_that_contradict_the_weights_change_them() -> None:
    labelled = [(f"the parser reads row {n}", "negative") for n in range(60)]
    labelled += [(f"I love version {n}, great work!", "positive") for n in range(60)]
    result = refit(load_classifier(), labelled)
    assert result.better
    assert result.fitted > 0.95 > result.shipped
    assert result.classifier.classify("the parser reads row 99")[0] == "negative"
    assert result.classifier.origin == "120 labels of your own"


def test_labels_that_agree_with_the_weights_or_are_few_change_nothing() -> None:
    agreeing = [("I love it, great work!", "positive"), ("I hate this awful bug", "negative")]
    result = refit(load_classifier(), agreeing * (LEAST_LABELS // 2))
    assert not result.better
    assert result.classifier == load_classifier()
    few = [("the parser reads a row", "negative")] * (LEAST_LABELS - 1)
    assert not refit(load_classifier(), few).better


def test_macro_f1_is_the_mean_over_the_tones_that_occur() -> None:
    assert macro_f1([0, 0, 1, 1], [0, 0, 1, 0]) == pytest.approx((0.8 + 2 / 3) / 2)
    assert macro_f1([], []) == 0.0
    assert len(TONES) == 3
