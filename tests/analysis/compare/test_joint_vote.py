"""Joint votes against the plain rules, one draw after another, and through the command line."""

import json
from collections import Counter

import numpy as np
import pytest

from tests.analysis.aggregate.vote_rules import agreement, self_consistency_weighted
from workbench import load_run
from workbench.analysis.aggregate import maj_at_k
from workbench.analysis.aggregate.batched import agreements
from workbench.analysis.compare.joint_vote import DRAWS, TOGETHER, WEIGHTED, _joint_votes, vote
from workbench.core.subsets import draw_subsets


def said(*answers):
    return [("" if a is None else f"The answer is \\boxed{{{a}}}.", -1.0, "stop") for a in answers]


def test_agreement_of_many_subsets_is_that_of_each():
    rng = np.random.default_rng(0)
    for _ in range(30):
        clusters = rng.integers(-1, 3, size=9)
        subsets = draw_subsets(9, int(rng.integers(1, 9)), 20, rng)
        expected = [agreement(clusters[members]) for members in subsets]
        np.testing.assert_allclose(agreements(clusters, subsets), expected)


@pytest.mark.parametrize("seed", range(20))
def test_a_joint_vote_is_that_of_the_plain_rules(seed):
    rng = np.random.default_rng(seed)
    clusters = [rng.integers(-1, 4, size=n) for n in (6, 9, 5)]
    correct = [(own == 1).astype(float) for own in clusters]  # as clusters say, whoever is picked
    size = int(rng.integers(1, 6))
    found = _joint_votes(clusters, correct, size, np.random.default_rng(seed))
    again = np.random.default_rng(seed)
    drawn = [draw_subsets(len(own), size, DRAWS, again) for own in clusters]
    totals = {TOGETHER: [0.0, 0.0], WEIGHTED: [0.0, 0.0]}  # if ties go against it, and for it
    for draw in range(DRAWS):
        pools = [own[s[draw]] for own, s in zip(clusters, drawn, strict=True)]
        for rule, weight in {TOGETHER: lambda pool: 1.0, WEIGHTED: agreement}.items():
            votes = Counter()
            for pool in pools:
                votes.update({c: weight(pool) * n for c, n in Counter(pool.tolist()).items()})
            del votes[-1]
            first = [c for c, n in votes.items() if n > max(votes.values()) - 1e-9]
            totals[rule][0] += first == [1]
            totals[rule][1] += 1 in first
            if len(first) == 1 and rule == WEIGHTED:
                assert self_consistency_weighted(pools) == first[0]
    for rule, (low, high) in totals.items():
        assert low / DRAWS <= found[rule] <= high / DRAWS, rule


@pytest.fixture(scope="module")
def pair(hand_made):
    """Two runs on the same twelve problems: one is torn but right, the other sure."""
    golds = ["1/2"] * 12
    torn = [said("0.5", "0.5", "3", "4")] * 6 + [said("7", "8", None, "0.5")] * 6
    sure = [said("\\frac{1}{2}", "1/2", "0.5", "0.5")] * 9 + [said("9", "9", "9", "9")] * 3
    changes = {"measure__metrics": [], "selection": {"aggregators": ["maj"], "reward": None}}
    return hand_made(golds, torn, **changes), hand_made(golds, sure, **changes)


def test_answers_of_two_runs_are_one_where_they_are_equal(pair):
    table = vote(pair, [4])
    rows = table.frame.set_index("rule")
    first, second = rows.index[0], rows.index[1]
    assert list(rows.index) == [first, second, TOGETHER, WEIGHTED]
    assert rows["samples"].tolist() == [4, 4, 8, 8]
    assert rows.loc[second, "accuracy"] == 9 / 12
    # torn: two of four say 0.5 in the first six, and in the others three answers tie
    assert rows.loc[first, "accuracy"] == pytest.approx((6 + 6 / 3) / 12)
    # together: where the sure one is right it has 4 votes and more, else 9 has 4 against 2 or 1
    assert rows.loc[TOGETHER, "accuracy"] == 9 / 12
    assert rows.loc[WEIGHTED, "accuracy"] == 9 / 12
    assert rows.loc[second, "difference"] == 0
    assert np.isnan(rows.loc[TOGETHER, "difference"])
    assert rows["accuracy_low"].notna().all()


def test_the_temperatures_of_one_run_vote_together(finished):
    run = load_run(finished[1])
    table = vote([run])
    frame = table.frame
    assert {*frame["k"]} == {2, 4}
    alone = frame[(frame["rule"] == "T = 1") & (frame["k"] == 4)].iloc[0]
    assert alone["accuracy"] == pytest.approx(
        np.mean([maj_at_k(p.clusters, p.correct, 4)
                 for b in run.blocks for p in run.pools(b) if p.temperature == 1.0])
    )  # fmt: skip
    assert len(frame) == 2 * 4
    assert vote([run]).frame.equals(frame)  # the same draws
    assert any("exact" in note and "100 random draws" in note for note in table.notes)


def test_the_command_prints_the_table(cli, pair):
    out = cli.must("vote", *pair, "--k", "2").out
    assert WEIGHTED in out
    assert TOGETHER in out


def test_bad_input_is_named(cli, pair, hand_made, tmp_path):
    alone = pair[0]
    cli("vote", alone).refuses("one sampled pool per problem", "name several runs")
    cli("vote", *pair, "--k", "5").refuses("no problem has 5 samples of every pool")
    cli("vote", tmp_path).refuses("is not a run")
    cli("vote", alone, alone).refuses("is given twice")
    other = hand_made(["1"], [said("1", "2")], measure__metrics=[])
    path = other / "problems.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(row | {"id": "elsewhere"}) + "\n" for row in rows))
    cli("vote", alone, other).refuses("no problem in common")
