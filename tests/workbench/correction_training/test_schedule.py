import pytest

from workbench.correction_training.schedule import learning_rate


def test_it_rises_linearly_and_falls_linearly():
    rates = [learning_rate(step, 10, 4, 2.0) for step in range(10)]
    assert rates[:4] == [0.5, 1.0, 1.5, 2.0]
    assert rates[4:] == pytest.approx([2.0, 2 * 5 / 6, 2 * 4 / 6, 1.0, 2 * 2 / 6, 2 / 6])


def test_without_a_rise_it_begins_with_the_highest():
    assert [learning_rate(step, 4, 0, 1.0) for step in range(4)] == [1.0, 0.75, 0.5, 0.25]
