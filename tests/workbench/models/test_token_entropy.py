import math

import numpy as np
import pytest

from workbench.models.token_entropy import entropy_bound, entropy_bounds


@pytest.mark.parametrize(
    ("probabilities", "entropy", "missing"),
    [
        ([0.5, 0.5], math.log(2), 0),  # everything is known: exact
        ([0.5], math.log(2), 0.5),  # the rest is taken for one token
        ([0.5, 0.25], 1.5 * math.log(2), 0.25),  # 1/2 ln 2 + 2 x 1/4 ln 4
        ([1.0], 0, 0),
        ([1.0, 0.0], 0, 0),  # a token that is ruled out
        ([], 0, 1),  # nothing is known: nothing can be said
    ],
)
def test_by_hand(probabilities, entropy, missing):
    logprobs = [math.log(p) if p else -math.inf for p in probabilities]
    assert entropy_bound(logprobs) == pytest.approx((entropy, missing), abs=1e-12)


@pytest.mark.parametrize("top", [1, 5, 20, 99, 100])
def test_the_truth_lies_between_the_bound_and_what_the_missing_mass_allows(top):
    rng = np.random.default_rng(top)
    for sharpness in (0.5, 2.0, 6.0):
        logits = sharpness * rng.normal(size=100)
        logprobs = np.sort(logits - np.log(np.exp(logits).sum()))[::-1]
        exact = -(np.exp(logprobs) * logprobs).sum()
        bound, missing = entropy_bound(logprobs[:top])
        assert missing == pytest.approx(np.exp(logprobs[top:]).sum(), abs=1e-12)
        assert bound <= exact + 1e-12
        assert exact <= bound + missing * math.log(max(1, 100 - top)) + 1e-12
        if top < 99:
            assert bound < exact  # or the test proves nothing
        else:
            assert bound == pytest.approx(exact)


def test_probabilities_that_sum_to_more_than_one_by_rounding_are_not_negative():
    float32 = [float(np.float32(math.log(0.7))), float(np.float32(math.log(0.3))) + 1e-7]
    entropy, missing = entropy_bound(float32)
    assert missing == 0
    assert entropy == pytest.approx(-0.7 * math.log(0.7) - 0.3 * math.log(0.3), abs=1e-6)
    assert entropy_bound([1e-9]) == (0, 0)


def test_token_by_token():
    entropies, missing = entropy_bounds([[0.0], [math.log(0.5)]])
    assert entropies == (0, np.float32(math.log(2)))  # as the tables hold them
    assert missing == (0, 0.5)
    assert entropy_bounds([]) == ((), ())
