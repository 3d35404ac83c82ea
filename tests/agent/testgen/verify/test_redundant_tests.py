"""A question is shown with a yes and a no, whatever else the two tests add."""

from __future__ import annotations

from copydesk.agent.testgen.verify.redundant_tests import plain_answers

DRAFT = """def test_yes():
    assert is_open(1) is True


def test_no():
    door = Door()
    assert door.is_open() is False


def test_nothing():
    assert close() is None


def test_number():
    assert total() == 3


def test_error():
    with pytest.raises(ValueError):
        total(-1)
"""


def test_the_answers_of_tests_that_ask_a_question() -> None:
    assert plain_answers(DRAFT) == {"test_yes": True, "test_no": False}
