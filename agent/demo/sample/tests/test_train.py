import pytest

from train import fit, moving_average, parse_row, returns, split


def test_a_line_of_the_file_becomes_a_row():
    row = parse_row("2024-03-01, 101.5, 12000")
    assert row.close == 101.5
    assert row.volume == 12000


def test_returns_are_relative():
    assert returns([100.0, 110.0, 99.0]) == pytest.approx([0.1, -0.1])


def test_the_average_moves_with_its_window():
    assert moving_average([1.0, 2.0, 3.0, 4.0], window=2) == [1.0, 1.5, 2.5, 3.5]


def test_the_later_values_are_held_back():
    assert split([1.0, 2.0, 3.0, 4.0, 5.0]) == ([1.0, 2.0, 3.0, 4.0], [5.0])


def test_a_return_that_always_flips_has_a_slope_of_minus_one():
    assert fit([0.1, -0.1, 0.1, -0.1]).slope == pytest.approx(-1.0)
