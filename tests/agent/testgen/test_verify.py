from __future__ import annotations

from collections.abc import Callable

Write = Callable[[dict[str, str]], None]

GRADE = {
    "grades.py": """
        def grade(points):
            if points < 0:
                raise ValueError("points are never negative")
            if points >= 90:
                return "A"
            return "B"
        """
}


def test_a_good_test_reaches_the_top(climb, write: Write) -> None:
    write(GRADE)
    evidence, kept = climb(
        "grades.py",
        "grade",
        [5, 6],
        """
        import os
        from grades import grade

        def test_the_best():
            assert grade(90) == "A"

        def test_the_rest():
            assert grade(89) == "B"
        """, repeats=3,
    )
    print(evidence)
    print(kept.content)
    assert evidence.verdict == "verified"
