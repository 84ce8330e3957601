"""Programs that do the same are one answer: against function tables, and whatever their order."""

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.analysis.aggregate import maj_at_k, majority, mbr, weighted_majority
from workbench.behaviour.clusters import agreement, behaviour_clusters
from workbench.metrics.answers import answer_entropy, group_sizes
from workbench.sandbox.inside.literals import encode

STEPS = {
    "x + 1": lambda x: x + 1,
    "x - 1": lambda x: x - 1,
    "2 * x": lambda x: 2 * x,
    "x // 2": lambda x: x // 2,
    "x / 2": lambda x: x / 2,
    "abs": abs,
    "1 // x": lambda x: 1 // x,
    "str": str,
    "even": lambda x: x % 2 == 0,
    "pair": lambda x: [x, x],
}
INPUTS = [-2, -1, 0, 1, 2, 3]


def answer_of(function, value):
    """What the sandbox would send of a call."""
    try:
        return {"value": encode(function(value), lambda held: 7), "changed": {}}
    except Exception as fault:
        return {"exception": type(fault).__name__, "says": str(fault)}


def table_of(function, inputs=INPUTS):
    """The function's values, or the type of what it raises, one after another."""
    found = []
    for value in inputs:
        try:
            found.append(("returned", function(value)))
        except Exception as fault:
            found.append(("raised", type(fault).__name__))
    return found


def answers_of(functions, inputs=INPUTS):
    return [[answer_of(function, value) for value in inputs] for function in functions]


def clustered(functions, inputs=INPUTS):
    return behaviour_clusters(answers_of(functions, inputs), list(map(str, inputs)), 0.0)


COMPOSED = [lambda x, f=f, g=g: g(f(x)) for f, g in product(STEPS.values(), repeat=2)]
THRICE = [lambda x, f=f, g=g, h=h: h(g(f(x))) for f, g, h in product(STEPS.values(), repeat=3)]


@pytest.mark.parametrize("functions", [[*STEPS.values()], COMPOSED, THRICE], ids=len)
def test_clusters_are_equality_of_function_tables(functions):
    tables = [table_of(function) for function in functions]
    found = clustered(functions)
    leaders: list[int] = []
    expected = []
    for table in tables:  # == is no hash: 1 equals True and 1.0, and lists have none
        place = next((n for n, leader in enumerate(leaders) if tables[leader] == table), None)
        if place is None:
            place = len(leaders)
            leaders.append(len(expected))
        expected.append(place)
    assert len(leaders) > 5
    pairs = {(a, b) for a, b in zip(expected, found.clusters.tolist(), strict=True)}
    assert len(pairs) == len(leaders) == len(set(found.clusters.tolist()))
    assert len(set(found.labels)) == len(leaders)


def test_outputs_are_numbered_call_by_call_the_commonest_first():
    found = clustered([lambda x: 0, lambda x: x, lambda x: abs(x), lambda x: 1 // x], [-1, 0, 2])
    assert found.outputs.tolist() == [[1, 0, 0], [0, 0, 1], [2, 0, 1], [0, 1, 0]]
    assert found.spelt == (("-1", "0", "1"), ("0", "ZeroDivisionError"), ("0", "2"))
    assert found.labels[3] == "-1 → -1; 0 → ZeroDivisionError; 2 → 0"


def test_a_program_that_gave_no_answer_is_unanswered_and_one_that_raised_is_not():
    alive = [{"value": 1}, {"value": 2}]
    raised = [{"exception": "KeyError"}, {"exception": "KeyError"}]
    half = [{"value": 1}, None]
    found = behaviour_clusters([alive, None, [], [None, None], raised, half, half], ["1", "2"])
    assert found.clusters.tolist() == [1, -1, -1, -1, 2, 0, 0]
    assert [found.labels[i] for i in (1, 2, 3)] == [None, None, None]
    assert found.labels[5] == "1 → 1; 2 → no answer"
    assert found.outputs[1:4].tolist() == [[-1, -1]] * 3


def test_without_calls_what_could_be_called_is_one_cluster():
    found = behaviour_clusters([[], None, []], [])
    assert found.clusters.tolist() == [0, -1, 0]
    assert found.labels == ("no call tells the programs apart", None, found.labels[0])


def test_without_programs_there_are_no_clusters():
    found = behaviour_clusters([], ["1"])
    assert found.clusters.shape == (0,)
    assert found.outputs.shape == (0, 1)


def test_a_program_with_too_few_answers_is_refused():
    with pytest.raises(ValueError, match=r"program 1 has 1 answers to 2 calls; give one"):
        behaviour_clusters([[], [{"value": 1}]], ["1", "2"])


def test_near_floats_are_one_output_and_the_commonest_stands_for_it():
    near = [[{"value": value}] for value in (0.3, 0.1 + 0.2, 0.3, 0.3001, 1)]
    found = behaviour_clusters(near, ["x"])
    assert found.clusters.tolist() == [0, 0, 0, 1, 2]
    assert found.labels[1] == "x → 0.3"
    exact = behaviour_clusters(near, ["x"], 0.0)
    assert len({*exact.clusters.tolist()}) == 4


def test_two_whole_numbers_are_not_joined_by_a_float_between_them():
    numbers = (10**10, 10**10 + 0.5, 10**10 + 1)
    found = behaviour_clusters([[{"value": value}] for value in numbers], ["x"], 1e-6)
    assert found.clusters[0] != found.clusters[2]


def test_a_label_is_the_same_in_other_company_and_tells_apart_what_differs_late():
    inputs = list(range(10))
    one, other, third = (lambda x: x), (lambda x: x + (x == 9)), (lambda x: -x)
    labels = clustered([one, other], inputs).labels
    assert labels[0] != labels[1]
    assert labels[0].startswith("0 → 0; 1 → 1; 2 → 2; … #")
    assert clustered([third, third, other, one], inputs).labels[3] == labels[0]


def test_the_spelling_in_a_label_is_the_commonest():
    found = behaviour_clusters([[{"value": value}] for value in (1, True, True, 1.0)], ["x"])
    assert found.labels == ("x → True",) * 4


VALUES = st.sampled_from([0, 1, 1.0, True, "a", None, 0.3, 0.1 + 0.2, float("nan"), [1], (1,)])
ANSWERS = st.one_of(
    st.builds(lambda value: {"value": encode(value, lambda held: 7)}, VALUES),
    st.sampled_from([None, {"exception": "KeyError"}, {"exception": "IndexError"}]),
)
POOLS = st.lists(st.lists(ANSWERS, min_size=3, max_size=3), min_size=1, max_size=8)
CALLS = ["a", "b", "c"]


@given(POOLS, st.randoms(use_true_random=False))
def test_neither_clusters_nor_labels_depend_on_the_order_of_the_programs(pool, random):
    order = list(range(len(pool)))
    random.shuffle(order)
    found = behaviour_clusters(pool, CALLS)
    shuffled = behaviour_clusters([pool[place] for place in order], CALLS)
    assert shuffled.clusters.tolist() == found.clusters[order].tolist()
    assert shuffled.labels == tuple(found.labels[place] for place in order)
    assert shuffled.outputs.tolist() == found.outputs[order].tolist()
    assert shuffled.spelt == found.spelt


@given(POOLS, st.data())
def test_a_copy_joins_the_cluster_of_its_program(pool, data):
    copied = data.draw(st.integers(0, len(pool) - 1))
    before = behaviour_clusters(pool, CALLS)
    after = behaviour_clusters([*pool, pool[copied]], CALLS)
    assert after.clusters[-1] == after.clusters[copied]
    assert after.labels[-1] == after.labels[copied]
    same = before.clusters[:, None] == before.clusters[None, :]
    assert ((after.clusters[:-1, None] == after.clusters[None, :-1]) == same).all()


@given(POOLS)
def test_a_larger_tolerance_only_joins(pool):
    strict, loose = (behaviour_clusters(pool, CALLS, tolerance).clusters for tolerance in (0, 0.1))
    joined = loose[:, None] == loose[None, :]
    assert joined[strict[:, None] == strict[None, :]].all()


# Votes on behaviour: the rules themselves are tested on numbers elsewhere.


def pool_of_functions():
    """Twelve programs for "double it", some right, some right on these inputs alone."""
    functions = [
        lambda x: 2 * x, lambda x: x + x, lambda x: x * 2.0, lambda x: x << 1, lambda x: x**2,
        lambda x: x * x, lambda x: abs(2 * x), lambda x: 1 // x, lambda x: x + 1,
        lambda x: [][x], lambda x: None, lambda x: 2 * x if x != 50 else 0,
    ]  # fmt: skip
    inputs = [0, 1, 2, 3]
    correct = np.array([table_of(f, range(-60, 60)) == [("returned", 2 * x) for x in range(-60, 60)]
                        for f in functions], dtype=float)  # fmt: skip
    answers = answers_of(functions, inputs)
    answers[10] = None  # stopped before it answered
    return functions, answers, correct, behaviour_clusters(answers, list(map(str, inputs)))


def test_maj_at_k_over_behaviour_is_the_mean_over_all_subsets():
    _, _, correct, found = pool_of_functions()
    assert correct.tolist() == [1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0]
    assert found.clusters[6] == found.clusters[11] == found.clusters[0]  # too few inputs tell
    for k in (1, 2, 3, 5, 12):
        total, count = 0.0, 0
        for members in combinations(range(12), k):
            clusters = found.clusters[list(members)]
            sizes = np.bincount(clusters[clusters >= 0], minlength=1)
            won = np.flatnonzero(sizes == sizes.max()) if sizes.max() else []
            # ties fall evenly, and within a cluster to each member evenly
            of_cluster = [
                np.mean([correct[m] for m in members if found.clusters[m] == one]) for one in won
            ]
            total += float(np.mean(of_cluster)) if of_cluster else 0.0
            count += 1
        assert maj_at_k(found.clusters, correct, k) == pytest.approx(total / count, abs=1e-12)


def test_votes_weights_and_entropy_go_by_function_tables():
    functions, _, _, found = pool_of_functions()
    inputs = [0, 1, 2, 3]
    tables = [table_of(function, inputs) for function in functions]
    voters = [place for place in range(12) if place != 10]
    alike = [[other for other in voters if tables[other] == tables[place]] for place in range(12)]
    assert majority(found.clusters) == max(voters, key=lambda place: len(alike[place]))
    weights = np.array([1, 1, 1, 1, 9, 9, 1, 1, 1, 1, 90, 1.0])
    heaviest = max(voters, key=lambda place: weights[alike[place]].sum())
    assert weighted_majority(found.clusters, weights) == heaviest == 4
    shares = np.array([len(group) for group in {tuple(alike[place]) for place in voters}]) / 11
    entropy = answer_entropy(group_sizes(found.clusters, np.arange(12)[None]))
    assert entropy[0] == pytest.approx(-(shares * np.log(shares)).sum())


def test_agreement_is_the_share_of_inputs_with_equal_outputs():
    functions, _, _, found = pool_of_functions()
    tables = [table_of(function, [0, 1, 2, 3]) for function in functions]
    utility = agreement(found.outputs)
    for one, other in product(range(12), repeat=2):
        same = [a == b for a, b in zip(tables[one], tables[other], strict=True)]
        expected = 0.0 if 10 in (one, other) else np.mean(same)
        assert utility[one, other] == pytest.approx(expected)
    assert mbr(utility) == 0


@given(POOLS)
def test_programs_agree_everywhere_just_where_they_are_one_cluster(pool):
    found = behaviour_clusters(pool, CALLS)
    whole = (found.outputs >= 0).all(axis=1)
    same = found.clusters[:, None] == found.clusters[None, :]
    assert ((agreement(found.outputs) == 1) == (same & whole[:, None] & whole[None, :])).all()


def test_agreement_without_calls_is_none():
    assert agreement(np.zeros((2, 0), dtype=np.int64)).tolist() == [[0, 0], [0, 0]]
