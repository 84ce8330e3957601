import numpy as np
import pytest

from workbench.correction_training.evaluation import transitions


def test_the_change_is_what_was_gained_less_what_was_lost():
    rng = np.random.default_rng(1)
    first, second = rng.integers(0, 2, (2, 200)).astype(float)
    found = transitions(first, second)
    assert found["delta"] == pytest.approx(found["t2"] - found["t1"])
    assert found["delta"] == pytest.approx(found["gained"] - found["lost"])
    assert found["gained"] == np.mean((first == 0) & (second == 1))
    assert found["lost"] == np.mean((first == 1) & (second == 0))


def test_a_pair_of_which_one_is_unknown_is_left_out():
    found = transitions(np.array([np.nan, 1, 0]), np.array([1, np.nan, 1]))
    assert found == {"t1": 0, "t2": 1, "delta": 1, "gained": 1, "lost": 0}
    assert np.isnan(transitions(np.array([np.nan]), np.array([1.0]))["delta"])
