"""Joint votes against the plain rules, one draw after another, and through the command line."""

import json
import shutil
from collections import Counter

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.analysis.aggregate.vote_rules import agreement, self_consistency_weighted
from workbench import load_run
from workbench.analysis.aggregate import maj_at_k
from workbench.analysis.aggregate.batched import agreements
from workbench.analysis.compare.joint_vote import (
    DRAWS,
    EACH,
    SAMPLES,
    TOGETHER,
    TOKENS,
    WEIGHTED,
    _joint_votes,
    _own_vote,
    vote,
)
from workbench.analysis.compare.settings import names_of
from workbench.core.subsets import draw_subsets
from workbench.storage.parquet import write_table


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
    rows = table.frame.query("budget in ('k samples', 'k of each pool')").set_index("rule")
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
    assert alone["budget"] == EACH
    assert alone["accuracy"] == pytest.approx(
        np.mean([maj_at_k(p.clusters, p.correct, 4)
                 for b in run.blocks for p in run.pools(b) if p.temperature == 1.0])
    )  # fmt: skip
    assert len(frame) == 2 * (3 * 2 + 2)
    assert vote([run]).frame.equals(frame)  # the same draws
    assert any("exact" in note and "100 random draws" in note for note in table.notes)


def test_each_pool_stands_alone_with_what_all_spend_together(pair):
    table = vote(pair, [2])
    rows = table.frame.set_index(["rule", "budget"])
    torn, sure = table.frame["rule"].iloc[[0, 1]]
    assert rows.loc[(torn, EACH), "samples"] == 2
    assert rows.loc[(torn, SAMPLES), "samples"] == rows.loc[(TOGETHER, "k of each pool"), "samples"]
    # all four of its samples: two of four say 0.5 in six problems, three answers tie in the others
    assert rows.loc[(torn, SAMPLES), "accuracy"] == pytest.approx((6 + 6 / 3) / 12)
    assert rows.loc[(sure, SAMPLES), "accuracy"] == 9 / 12
    # every sample has two tokens, so that equal tokens are equal samples
    assert rows["tokens"].tolist() == [4, 4, 8, 8, 8, 8, 8, 8]
    assert rows.loc[(torn, TOKENS), "accuracy"] == rows.loc[(torn, SAMPLES), "accuracy"]
    assert rows.loc[(torn, TOKENS), "samples"] == 4


def test_a_pool_with_too_few_samples_for_the_budget_is_said_and_has_no_value(pair):
    table = vote(pair, [4])
    rows = table.frame.set_index("budget")
    assert rows.loc[SAMPLES, "accuracy"].isna().all()
    assert rows.loc[SAMPLES, "problems"].tolist() == [0, 0]
    short = [note for note in table.notes if "has fewer than 8 samples in 12 of 12" in note]
    assert len(short) == 4  # two pools, by samples and by tokens


def test_a_vote_of_a_broken_number_of_samples_is_between_two():
    clusters, correct = np.array([0, 0, 1]), np.array([1.0, 1.0, 0.0])
    # of two: both right in one case of three, a tie in two; of three: right
    assert _own_vote(clusters, correct, 2.25) == pytest.approx(2 / 3 + 0.25 * (1 - 2 / 3))
    assert np.isnan(_own_vote(clusters, correct, 3.5))
    assert np.isnan(_own_vote(clusters, correct, 0.5))


def test_equal_tokens_are_more_of_the_shorter_samples(pair, tmp_path):
    folders = []
    for place, folder in enumerate(pair):
        folders.append(shutil.copytree(folder, tmp_path / str(place)))
    for path in (tmp_path / "1").glob("samples/*.parquet"):
        table = pq.read_table(path)
        column = table.schema.get_field_index("num_output_tokens")
        kind = table.schema.field(column).type
        longer = pa.array([6] * len(table), kind)
        write_table(path, table.set_column(column, table.schema.field(column), longer), "tested")
    rows = vote(folders, [1]).frame.query("budget == @TOKENS")
    # one sample of each costs 2 + 6 = 8 tokens: four short ones, one and a third long one
    assert rows["samples"].tolist() == pytest.approx([4, 4 / 3])
    assert rows["tokens"].tolist() == pytest.approx([8, 8])


def test_the_pools_that_vote_may_be_named(pair, finished, cli):
    run = load_run(finished[1])
    named = vote([run], [2], ["T1", f"{run.root.name}:T0.3"]).frame
    assert list(dict.fromkeys(named["rule"]))[:2] == ["T = 1", "T = 0.3"]
    cli("vote", run.root, "--pool", "T1", "--pool", "T0.2").refuses(
        "unknown pool 'T0.2'; did you mean 'T0.3'? (known: T0.3, T1)"
    )
    cli("vote", run.root, "--pool", "T1").refuses("a joint vote needs two pools, got 'T1' alone")
    cli("vote", run.root, "--pool", "T1", "--pool", "T1").refuses("'T1' is given twice")
    names = names_of([load_run(folder) for folder in pair])
    found = vote(pair, [2], [f"{name}:T1" for name in reversed(names)]).frame
    assert found["rule"][0] == f"{names[1]}, T = 1"


def test_the_command_prints_the_table_and_writes_it(cli, pair, tmp_path):
    out = cli.must("vote", *pair, "--k", "2", "--out", tmp_path / "there").out
    assert WEIGHTED in out
    assert TOGETHER in out
    saved = pd.read_csv(tmp_path / "there" / "vote.csv")
    assert saved["rule"].tolist() == vote(pair, [2]).frame["rule"].tolist()
    cli.must("vote", *pair, "--k", "2")
    assert list((pair[0] / "compare").glob("*/vote.csv"))


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
