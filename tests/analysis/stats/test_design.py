from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.analysis.stats.design import design_of

GRID = [{"T": t, "p": p, "prompt": q} for t in (0.7, 1.0, 1.5) for p in (0, 0.1) for q in "ab"]
DECODING = [
    {"T": t, "top_p": 1.0, "top_k": 0, "min_p": 0.0} | other
    for t in (0.5, 1.0, 1.5, 2.0)
    for other in ({}, {"top_p": 0.9}, {"top_k": 40}, {"min_p": 0.1})
]
"""Temperatures crossed with one of three ways to cut the tail, or none."""


def pairs_by_hand(conditions, factor, level, reference):
    """Every ordered pair of conditions that differ in one factor alone, between two levels."""
    return {
        (i, j)
        for i, one in enumerate(conditions)
        for j, other in enumerate(conditions)
        if {key for key in one if one[key] != other[key]} == {factor}
        and (one[factor], other[factor]) == (level, reference)
    }


def test_a_factor_that_does_not_vary_is_left_out_and_levels_are_in_the_order_given():
    design = design_of([{"T": t, "seed": 0, "prompt": None} for t in (1.0, 0.5, 2.0)])
    assert design.factors == ("T",)
    assert design.levels == {"T": (1.0, 0.5, 2.0)}
    assert design.reference("T") == 1.0
    assert design.confounded() == design.confounding_notes() == ()
    assert design_of([{"T": 1.0}]).factors == design_of([{"T": 1.0}]).separable == ()


def test_the_pairs_of_a_full_grid_are_all_combinations_of_the_others():
    design = design_of(GRID)
    assert design.matched_pairs("T", 1.0, 0.7).tolist() == [[4, 0], [5, 1], [6, 2], [7, 3]]
    assert design.matched_pairs("prompt", "b", "a").tolist() == [
        [place + 1, place] for place in range(0, 12, 2)
    ]
    assert design.separable == ("T", "p", "prompt")


def test_three_factors_that_are_never_combined_are_each_told_apart():
    design = design_of(DECODING)
    assert design.separable == design.factors == ("T", "top_p", "top_k", "min_p")
    for place, (factor, level) in enumerate({"top_p": 0.9, "top_k": 40, "min_p": 0.1}.items()):
        pairs = design.matched_pairs(factor, level, design.reference(factor))
        assert pairs.tolist() == [[4 * t + place + 1, 4 * t] for t in range(4)]
    assert len(design.matched_pairs("T", 2.0, 0.5)) == 4
    # each crosses the temperatures, at the reference of the other two, and not one another
    assert design.grids("T", "top_k").tolist() == [[[0, 2], [4, 6], [8, 10], [12, 14]]]
    assert design.grids("top_k", "min_p").shape == (0, 2, 2)


@given(
    st.sets(st.tuples(*[st.integers(0, 2)] * 3), min_size=1, max_size=12),
    st.randoms(use_true_random=False),
)
def test_pairs_and_grids_of_any_design_are_those_of_brute_force(cells, random):
    cells = random.sample(sorted(cells), len(cells))
    conditions = [dict(zip("abc", cell, strict=True)) for cell in cells]
    design = design_of(conditions)
    apart = set()
    for factor in design.factors:
        for level, reference in product(design.levels[factor], repeat=2):
            if level != reference:
                expected = pairs_by_hand(conditions, factor, level, reference)
                pairs = design.matched_pairs(factor, level, reference).tolist()
                assert sorted(map(tuple, pairs)) == sorted(expected)
                apart |= {factor} if expected else set()
    assert set(design.separable) == apart
    confounded = {factor for group in design.confounded() for factor in group}
    assert confounded >= set(design.factors) - apart
    for a, b in combinations(design.factors, 2):
        (other,) = {*"abc"} - {a, b}
        full = len(design.levels[a]) * len(design.levels[b])
        counts = [sum(c[other] == level for c in conditions) for level in range(3)]
        assert len(design.grids(a, b)) == counts.count(full)
        for grid in design.grids(a, b):
            for row, level in zip(grid, design.levels[a], strict=True):
                assert [conditions[place][a] for place in row] == [level] * len(row)
                assert tuple(conditions[place][b] for place in row) == design.levels[b]
            assert len({conditions[place][other] for place in grid.ravel()}) == 1


def test_two_factors_that_move_together_are_named():
    hot, cold = {"temperature": 1.5, "min_p": 0.1}, {"temperature": 0.7, "min_p": 0.0}
    design = design_of([hot, cold])
    assert design.confounded() == (("temperature", "min_p"),)
    assert design.separable == ()
    assert design.confounding_notes() == (
        "temperature and min_p move together: no two conditions differ in one of them alone, so "
        "their effects cannot be told apart",
    )
    # a third factor that is crossed with them has an effect of its own
    crossed = [cell | {"prompt": q} for cell in (hot, cold) for q in "ab"]
    assert design_of(crossed).confounded() == (("temperature", "min_p"),)
    assert design_of(crossed).separable == ("prompt",)
    # and one condition more tells the two apart
    assert design_of([hot, cold, hot | {"min_p": 0.0}]).confounded() == ()


def test_half_of_a_grid_confounds_all_three_factors_though_no_two_always_move_together():
    half = [dict(zip("abc", cell, strict=True)) for cell in product((0, 1), repeat=3)]
    half = [cell for cell in half if sum(cell.values()) % 2 == 0]
    design = design_of(half)
    assert design.confounded() == (("a", "b", "c"),)
    assert design.confounding_notes()[0].startswith("a, b and c move together: no two conditions")


def test_what_moves_with_one_and_what_moves_with_the_other_are_one_group():
    chain = [{"a": 0, "b": 0, "c": 0}, {"a": 1, "b": 1, "c": 0}, {"a": 0, "b": 2, "c": 1}]
    assert design_of(chain).confounded() == (("a", "b", "c"),)


def test_two_groups_are_two_sentences():
    cells = [{"a": i, "b": i, "c": j, "d": j} for i in (0, 1) for j in (0, 1)]
    assert design_of(cells).confounded() == (("a", "b"), ("c", "d"))
    assert len(design_of(cells).confounding_notes()) == 2


def test_a_factor_that_moves_with_one_that_is_told_apart_says_so():
    design = design_of([{"a": 0, "b": 0}, {"a": 0, "b": 1}, {"a": 1, "b": 2}])
    assert design.separable == ("b",)
    assert design.confounded() == (("a", "b"),)
    assert design.confounding_notes() == (
        "a moves together with b: no two conditions differ in a alone, so its effect cannot be "
        "told from the effect of b",
    )
    assert len(design.matched_pairs("b", 2, 0)) == 0  # b is told apart at two of three levels


def test_what_is_no_design_is_refused():
    with pytest.raises(ValueError, match="at least one condition, got none"):
        design_of([])
    with pytest.raises(ValueError, match="conditions 0 and 2 have the same level of every"):
        design_of([{"T": 1.0}, {"T": 0.5}, {"T": 1.0}])
    with pytest.raises(ValueError, match=r"condition 1 and condition 0 .* give a level of min_p"):
        design_of([{"T": 1.0}, {"T": 0.5, "min_p": 0.1}])
    with pytest.raises(ValueError, match="a level of T is NaN"):
        design_of([{"T": np.nan}, {"T": 0.5}])
    design = design_of(GRID)
    with pytest.raises(ValueError, match=r"no factor 'top_p' varies .* it is T, p, prompt"):
        design.matched_pairs("top_p", 1, 0)
    with pytest.raises(ValueError, match=r"T has no level 2.0; its levels are 0.7, 1.0, 1.5"):
        design.matched_pairs("T", 2.0, 0.7)
    with pytest.raises(ValueError, match="between two factors, got 'T' twice"):
        design.grids("T", "T")
