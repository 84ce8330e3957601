import numpy as np
import pytest

from workbench.analysis.aggregate.temperature_mixture import mixed_pools
from workbench.pools import Pool


def pool(problem, temperature, n, **changes):
    names = [f"{problem}/{temperature}/{i}" for i in range(n)]
    values = np.arange(n) + 100 * (temperature or 0.0)
    fields = {
        "problem_id": problem, "temperature": temperature, "texts": tuple(names),
        "logprobs": -values, "num_tokens": values, "answers": tuple(names),
        "clusters": np.arange(n), "correct": np.arange(n) % 2.0, "statuses": ("answered",) * n,
        "rewards": {"likelihood": -values}, "embeddings": np.column_stack([values, -values]),
        "rules": ("boxed",) * n, "bleu_tokenize": "13a", "entropies": values,
    }  # fmt: skip
    return Pool(**(fields | changes))


def test_samples_are_taken_in_turn_up_to_the_size_of_a_pool():
    parts = [pool("p", 1.0, 4), pool("p", 0.5, 4), pool("p", 0.7, 4)]
    (mixed,) = mixed_pools(parts)
    assert mixed.texts == ("p/0.5/0", "p/0.7/0", "p/1.0/0", "p/0.5/1")
    assert mixed.temperature is None
    assert mixed.problem_id == "p"
    assert mixed.bleu_tokenize == "13a"
    np.testing.assert_array_equal(mixed.logprobs, [-50, -70, -100, -51])
    np.testing.assert_array_equal(mixed.rewards["likelihood"], mixed.logprobs)
    np.testing.assert_array_equal(mixed.embeddings[:, 0], mixed.num_tokens)
    np.testing.assert_array_equal(mixed.correct, [0, 0, 0, 1])


def test_a_short_pool_leaves_its_turns_to_the_others():
    (mixed,) = mixed_pools([pool("p", 0.5, 1), pool("p", 1.0, 5)])
    assert mixed.texts == ("p/0.5/0", "p/1.0/0", "p/1.0/1", "p/1.0/2", "p/1.0/3")


@pytest.mark.parametrize("temperatures", [(), (0.7,), (0.0, 0.7), (None,)])
def test_one_temperature_has_nothing_to_be_mixed_with(temperatures):
    assert not list(mixed_pools([pool("p", t, 3) for t in temperatures]))


def test_problems_are_kept_apart_and_missing_embeddings_stay_missing():
    parts = [pool(p, t, 3, embeddings=None) for t in (0.5, 1.0) for p in ("b", "a")]
    found = list(mixed_pools(parts))
    assert [mixed.problem_id for mixed in found] == ["b", "a"]
    assert all(text.startswith(mixed.problem_id) for mixed in found for text in mixed.texts)
    assert all(mixed.embeddings is None for mixed in found)
