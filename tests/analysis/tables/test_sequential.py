"""Second answers against more first ones, by loops over the samples."""

from itertools import combinations

import numpy as np
import pytest

from tests.analysis.tables.test_self_correction import TABLES, A, B
from workbench.analysis.tables import make_table
from workbench.analysis.tables.sequential import chains_of, strategy_outcomes
from workbench.core.flops import ModelSize, completion_flops, prompt_flops

SIZE = ModelSize(1000, 600, 300, 0, layers=2, attention_heads=2, head_dim=4)
N, PROBLEMS = 6, 12
FIRST, SECOND = 8, 4
"""Tokens of each; a first prompt has 10, and a second one 20."""


@pytest.fixture(scope="module")
def drawn():
    rng = np.random.default_rng(1)
    right = [rng.random((PROBLEMS, N)) < share for share in (0.3, 0.5)]
    texts = [[[(A if one else B, n) for one in row] for row in rows]
             for rows, n in zip(right, (FIRST, SECOND), strict=True)]  # fmt: skip
    return right, texts


@pytest.fixture(scope="module")
def data(two_turns, drawn):
    found = two_turns(["7"] * PROBLEMS, *drawn[1], TABLES, measure__k=[2, 4])
    found.__dict__["model_sizes"] = {one.name: SIZE for one in found.conditions}
    return found


@pytest.fixture(scope="module")
def table(data):
    return make_table("sequential_against_parallel", data).frame


PAIR = {
    "completion tokens": (FIRST, FIRST + SECOND, 0),
    "all tokens, prompt once": (FIRST, FIRST + 20 + SECOND, 10),
    "all tokens, prompt per sample": (10 + FIRST, 10 + FIRST + 20 + SECOND, 0),
    "GFLOPs": tuple(
        float(value) / 1e9
        for value in (
            completion_flops(SIZE, 10, FIRST),
            completion_flops(SIZE, 10, FIRST)
            + prompt_flops(SIZE, 20) + completion_flops(SIZE, 20, SECOND),
            prompt_flops(SIZE, 10),
        )
    ),
}  # fmt: skip
"""What a first answer costs, a pair, and what is paid once for a problem: written out."""


@pytest.mark.parametrize("budget", PAIR)
def test_a_pair_costs_its_first_answer_and_a_prompt_of_its_own(table, budget):
    one, pair, once = PAIR[budget]
    rows = table[(table["budget"] == budget) & (table["k"] == 2)].set_index("strategy")
    assert rows["cost"].to_numpy() == pytest.approx(once + pair)
    assert rows["afforded"].to_dict() == pytest.approx(
        {
            "first answers": pair / one,
            "second answers": 1,
            "pairs": 1,
            "mixture": pair / (one + pair),
        }
    )


def at(values, units):
    """Value at a real-valued number of units: on the line between its neighbours."""
    low = int(np.floor(units + 1e-9))
    high = min(low + 1, len(values))
    return values[low - 1] + (units - low) * (values[high - 1] - values[low - 1])


def coverage(chains, m):
    """Mean over problems and choices of m chains: whether any of their answers is right."""
    return np.mean([
        np.mean([any(part.any() for part in some) for some in combinations(problem, m)])
        for problem in chains
    ])  # fmt: skip


def vote(chains, m):
    """The same of a vote between right and wrong answers: all wrong ones are equal here."""
    found = []
    for problem in chains:
        shares = [np.concatenate(some).mean() for some in combinations(problem, m)]
        found.append(np.mean([float(share > 0.5) + 0.5 * (share == 0.5) for share in shares]))
    return np.mean(found)


@pytest.mark.parametrize(("outcome", "of"), [("coverage", coverage), ("majority", vote)])
def test_outcomes_are_those_of_every_choice(table, drawn, outcome, of):
    first, second = drawn[0]
    chains = {
        "first answers": first[:, :, None], "second answers": second[:, :, None],
        "pairs": np.stack([first, second], axis=2),
    }  # fmt: skip
    rows = table[table["budget"] == "completion tokens"]
    assert set(rows["k"]) == {2, 4}
    for name, some in chains.items():
        curve = [of(some, m) for m in range(1, N + 1)]
        for row in rows[rows["strategy"] == name].to_dict("records"):
            assert row[outcome] == pytest.approx(at(curve, row["afforded"]))


def test_accuracy_is_that_of_the_last_answer_and_differences_are_paired(table, drawn):
    first, second = drawn[0]
    rows = table[(table["budget"] == "completion tokens") & (table["k"] == 4)]
    rows = rows.set_index("strategy")
    means = {"first answers": first.mean(), "second answers": second.mean(),
             "pairs": second.mean(), "mixture": (first.mean() + second.mean()) / 2}  # fmt: skip
    assert rows["accuracy"].to_dict() == pytest.approx(means)
    gaps = rows["accuracy_difference"].drop("first answers")
    assert gaps.to_dict() == pytest.approx({n: means[n] - first.mean() for n in gaps.index})
    assert np.isnan(rows.loc["first answers", "accuracy_difference"])
    assert (rows["accuracy_low"] < rows["accuracy"]).all()


def test_a_mixture_is_a_pair_and_a_first_answer(drawn):
    first, second = drawn[0]
    correct = np.stack([first[0], second[0]], axis=1).astype(float)
    found = strategy_outcomes(correct, 1 - correct.astype(int), 3, np.random.default_rng(0))
    covered = [
        correct[paired].any() or correct[lone, 0]
        for paired in range(N) for lone in range(N) if lone != paired
    ]  # fmt: skip
    assert found["coverage"][3, 0] == pytest.approx(np.mean(covered))
    assert np.isnan(found["coverage"][3, 3:]).all()  # four units take eight chains


def test_a_chain_with_an_answer_of_unknown_correctness_is_left_out_whole(two_turns):
    firsts = [[(A, 2), (B, 2), (None, 0)]]
    seconds = [[(A, 2), (None, 0), (B, 2), (A, 2), (A, 2), (A, 2)]]  # of the second chain: B, A
    data = two_turns(["7"], firsts, seconds, TABLES)
    correct, clusters = chains_of(data.turn_pairs, 2)
    assert correct.tolist() == [[0, 0, 1]]
    assert clusters[0, 0] == clusters[0, 1] != clusters[0, 2]


def test_more_first_answers_than_were_drawn_are_named(table, data):
    assert (FIRST + 20 + SECOND) / FIRST < N < 2 * (FIRST + 20 + SECOND) / FIRST
    assert set(table[table["budget"] == "all tokens, prompt once"]["k"]) == {2}
    notes = " ".join(make_table("sequential_against_parallel", data).notes)
    assert "T1, all tokens, prompt once: k = 4 left out" in notes


def test_the_table_of_equal_cost_counts_first_answers_for_second_ones(data):
    frame = make_table("matched_budget", data).frame
    rows = frame[(frame["budget"] == "completion tokens") & (frame["k"] == 2)]
    assert rows.set_index("condition")["afforded"].to_dict() == pytest.approx(
        {"T1": 2 * (FIRST + SECOND) / FIRST, "T1-turn2": 2}
    )
    spent = make_table("budget", data).frame.groupby("condition")["tokens"].min().to_dict()
    assert spent == pytest.approx({"T1": FIRST, "T1-turn2": FIRST + SECOND})
