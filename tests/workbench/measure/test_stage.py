import dataclasses
import itertools

import numpy as np
import pytest

from workbench.analysis.aggregate import best_of_n, majority, mbr, weighted_majority
from workbench.analysis.aggregate.outcomes import subset_outcomes
from workbench.config.schema import Experiment, Generation, Measure, Selection, TaskSettings
from workbench.measure.block_tables import assembled
from workbench.measure.evaluate import compute_all
from workbench.measure.stage import measure_subsets, measuring_settings, require_embedded
from workbench.pools import Pool

NAN = np.nan


def pool(
    correct=(1, 0, 0, 1, 0), statuses=None, clusters=(0, 1, 1, -1, 2), vectors=None, texts=None
):
    count = len(correct)
    return Pool(
        problem_id="p",
        temperature=0.5,
        texts=texts or tuple(f"a text of {'ab'[i % 2]}" for i in range(count)),
        logprobs=-np.arange(1.0, count + 1),
        num_tokens=np.arange(count) + 3,
        answers=tuple(None if c < 0 else str(c) for c in clusters),
        clusters=np.array(clusters),
        correct=np.array(correct, dtype=float),
        statuses=statuses or ("answered",) * count,
        rewards={"likelihood": -np.arange(1.0, count + 1)},
        embeddings=vectors,
        rules=("boxed",) * count,
    )


def experiment(k=(2,), replicates=100, metrics=("avg_log_prob",), rules=("maj", "best")):
    return Experiment(
        name="x",
        task=TaskSettings(name="arithmetic", num_problems=1),
        generation=Generation(model="m", n=5),
        measure=Measure(k=k, replicates=replicates, metrics=metrics),
        selection=Selection(aggregators=rules),
    )


def frame(pool, k, settings, tally=(0.0, 0.0)):
    """A pool's subsets, with their outcomes, as they are read back."""
    return assembled([(0, columns_of(pool, k, settings, tally))]).to_pandas()


def columns_of(pool, k, settings, tally=(0.0, 0.0)):
    measured = measure_subsets(pool, k, settings.measure)
    return measured | subset_outcomes(pool, measured["members"], settings.selection, tally)


def test_every_column_is_what_each_subset_says_alone():
    """Over pools of every kind, beside plain code for one subset."""
    rng = np.random.default_rng(3)
    for turn in range(40):
        size = int(rng.integers(1, 9))
        one = pool(
            correct=rng.choice([0, 1, NAN] if turn % 2 else [0, 1], size),
            statuses=tuple(rng.choice(["answered", "error"], size, p=[0.9, 0.1]).tolist()),
            clusters=rng.integers(-1, 3, size) if turn % 5 else np.full(size, -1),
            texts=tuple(
                rng.choice(["", "eins", "zwei drei", "zwei drei", "\u1e9e \U0001f600 x"], size)
            ),
        )
        settings = experiment(k=(1,), replicates=6, rules=("maj", "best", "weighted", "lex_mbr"))
        for k in {1, size, int(rng.integers(1, size + 1))}:
            tally = float(np.nansum(one.correct)) + 2, float(np.isfinite(one.correct).sum()) + 5
            found = frame(one, k, settings, tally)
            for row in found.replace({None: NAN}).to_dict("records"):
                members = row["members"]
                correct = one.correct[members]
                known = tally[1] - np.isfinite(correct).sum()
                expected = {
                    "num_correct": NAN if np.isnan(correct).any() else correct.sum(),
                    "coverage": 1 if 1 in correct else NAN if np.isnan(correct).any() else 0,
                    "difficulty": 1 - (tally[0] - np.nansum(correct)) / known,
                    "abstained": all(one.clusters[i] < 0 for i in members),
                    "has_repeat": len({one.texts[i] for i in members}) < k,
                    "avg_log_prob": NAN
                    if "error" in [one.statuses[i] for i in members]
                    else one.logprobs[members].mean(),
                }
                picks = {
                    "maj": majority(one.clusters[members]),
                    "best": best_of_n(one.logprobs[members]),
                    "weighted": weighted_majority(
                        one.clusters[members], np.exp(one.logprobs[members])
                    ),
                    "lex_mbr": mbr(one.bleu[np.ix_(members, members)]),
                }
                for name, pick in picks.items():
                    expected[f"{name}_correct"] = 0 if pick is None else correct[pick]
                assert {name: row[name] for name in expected} == pytest.approx(
                    expected, nan_ok=True
                )


def test_parts_of_a_table_are_put_in_their_places():
    first, second = pool(), pool(correct=(1, NAN, 0, 1, 0))
    parts = [(place, columns_of(one, 2, experiment()))
             for place, one in ((5, second), (2, first), (2, second))]  # fmt: skip
    table = assembled(parts)
    assert table.column("num_correct").null_count == 8
    assert table.schema.field("num_correct").type == "int32"
    assert table.column("best_correct").to_pylist()[:10] == [
        bool(value) for value in parts[1][1]["best_correct"]
    ]
    assert table.column("members").to_pylist()[-10:] == parts[0][1]["members"].tolist()
    assert assembled([(1, [{"a": 1}]), (0, [{"a": 0}])]).to_pylist() == [{"a": 0}, {"a": 1}]
    assert assembled([]).num_columns == 0


def test_an_unknown_temperature_is_null_on_disk():
    one = dataclasses.replace(pool(), temperature=None)
    column = assembled([(0, columns_of(one, 2, experiment()))]).column("temperature")
    assert column.null_count == 10
    rows = assembled([(0, [{"temperature": None, "k": 1}])])
    assert rows.schema.field("temperature").type == "double"


def test_subsets_are_enumerated_where_they_are_few():
    found = frame(pool(), 2, experiment())
    assert sorted(tuple(sorted(m)) for m in found["members"]) == list(
        itertools.combinations(range(5), 2)
    )
    assert found["replicate"].tolist() == list(range(10))
    # by hand: a mean over all pairs of -1 ... -5
    assert found["avg_log_prob"].mean() == pytest.approx(-3)
    assert found["num_correct"].mean() == pytest.approx(2 * 2 / 5)
    assert found["coverage"].mean() == pytest.approx(1 - 3 / 10)


def test_subsets_are_drawn_where_they_are_many_and_the_same_each_time():
    settings = experiment(replicates=7)
    found = frame(pool(), 2, settings)
    assert len(found) == 7
    assert found.equals(frame(pool(), 2, settings))


def test_outcomes_by_hand_whatever_the_order_of_drawing():
    found = frame(pool(), 2, experiment())
    for row in found.to_dict("records"):
        first, second = row["members"]
        best = min(first, second)  # the likeliest
        assert row["best_correct"] == (best in (0, 3))
        voters = [i for i in (first, second) if i != 3]  # sample 3 gives no answer
        assert row["maj_correct"] == (voters[0] == 0)  # ties go to the first drawn
        assert row["has_repeat"] == (first % 2 == second % 2)
        assert not row["abstained"]


def test_a_subset_in_which_nobody_answers_is_counted_and_not_correct():
    found = frame(pool(clusters=(-1, -1, -1, -1, -1)), 2, experiment())
    assert found["abstained"].all()
    assert not found["maj_correct"].any()
    assert found["best_correct"].any()  # the likeliest may be right all the same


def test_unknown_correctness_leaves_open_what_it_decides():
    found = frame(pool(correct=(1, NAN, 0, 0, 0)), 2, experiment()).assign(
        pair=lambda f: [tuple(sorted(m)) for m in f["members"]]
    )
    rows = found.set_index("pair")
    assert rows.loc[[(0, 1)], "coverage"].tolist() == [True]  # one right sample decides
    assert rows.loc[[(1, 2)], "coverage"].tolist() == [None]
    assert rows.loc[[(2, 3)], "coverage"].tolist() == [False]
    assert rows["num_correct"].isna().sum() == 4
    assert rows.loc[[(1, 2)], "best_correct"].tolist() == [None]  # the pick is unknown
    assert rows.loc[[(0, 1)], "best_correct"].tolist() == [True]
    assert rows["avg_log_prob"].notna().all()  # a check that timed out has a text all the same


def test_metrics_of_a_subset_with_a_failed_sample_are_undefined():
    statuses = ("answered", "error", "answered", "timeout", "answered")
    found = frame(pool(statuses=statuses), 2, experiment())
    with_failed = [1 in members for members in found["members"]]
    assert found["avg_log_prob"].isna().tolist() == with_failed
    assert sum(with_failed) == 4


def test_rewards_can_be_chosen_by_name():
    shown = pool()
    other = Pool(**{**vars(shown), "rewards": {**shown.rewards, "other": np.arange(5.0)}})
    settings = experiment(rules=("best", "best:other"))
    for row in frame(other, 2, settings).to_dict("records"):
        assert row["best_correct"] == (min(row["members"]) in (0, 3))
        assert row["best:other_correct"] == (max(row["members"]) in (0, 3))


def test_settings_reach_the_metrics():
    vectors = np.array([[1.0, 0.0], [1.0, 0.0]])
    twice = pool(correct=(1, 0), clusters=(0, 1), vectors=vectors)
    members = np.array([[0, 1]])
    for jitter in (1e-3, 1e-6):
        found = compute_all(["dpp"], twice, members, Measure(dpp_jitter=jitter))["dpp"]
        # two copies: det [[1 + e, 1], [1, 1 + e]] = 2e + e^2
        assert found == pytest.approx(np.log(2 * jitter + jitter**2))
    with pytest.raises(ValueError, match="unknown metric 'dppp'; did you mean 'dpp'"):
        compute_all(["dppp"], twice, members, Measure())


def test_scoring_has_to_come_first(cli, experiment, tmp_path):
    cli.must("generate", experiment(), "--out", tmp_path / "run")
    cli("measure", experiment(), "--out", tmp_path / "run").refuses(
        "not scored yet", "workbench score"
    )


STOP = """
import workbench.storage.journal as journal
real, count = journal.Journal.add, iter(range(1000))
def add(self, sample):
    if next(count) == {samples}:
        raise OSError(28, "No space left on device")
    real(self, sample)
journal.Journal.add = add
"""


@pytest.mark.parametrize(
    ("samples", "problems", "note"),
    [
        (4 * 16 + 18, 6, "1 pools smaller than k are left out"),  # the last pool has two of eight
        (4 * 16 + 1, 4, "4 problems"),  # a whole block without a pool of two
    ],
)
def test_an_unfinished_run_is_analysed_as_far_as_it_goes(
    cli, experiment, blocks, tmp_path, samples, problems, note
):
    path, folder = experiment(generation__greedy=False), tmp_path / "run"
    blocks(folder, 4)
    before = STOP.format(samples=samples)
    cli("generate", path, "--out", folder, before=before).refuses("disk is full")
    for stage in ("score", "measure", "analyze"):
        cli.must(stage, path, "--out", folder, tables=())
    notes = (folder / "tables" / "accuracy_by_k.md").read_text()
    assert f"{problems} problems" in notes
    assert note in notes
    cli.must("run", path, "--out", folder, tables=())  # and then to its end
    assert "12 problems" in (folder / "tables" / "accuracy_by_k.md").read_text()


def test_a_run_without_one_pool_of_k_cannot_be_analysed_yet(cli, experiment, tmp_path):
    path, folder = experiment(generation__greedy=False), tmp_path / "run"
    cli("generate", path, "--out", folder, before=STOP.format(samples=1)).refuses("disk is full")
    for stage in ("score", "measure"):
        cli.must(stage, path, "--out", folder)
    cli("analyze", path, "--out", folder).refuses("no pool of 2 samples yet", "workbench generate")


def test_embeddings_of_another_part_than_is_measured_are_refused(open_run):
    run = open_run()
    require_embedded(run, "answer")  # as in runs from before there was another
    with pytest.raises(ValueError, match=r"are of the answer, and measure\.text is thought; run"):
        require_embedded(run, "thought")
    with run.manifest.running("score", "x") as entry:
        entry["embedded"] = "thought"
    require_embedded(run, "thought")
    with pytest.raises(ValueError, match=r"are of the thought.*--set measure\.text=answer"):
        require_embedded(run, "answer")


def test_a_run_from_before_there_were_parts_is_measured_as_it_was():
    assert "text" not in measuring_settings(Measure())
    assert measuring_settings(Measure(text="whole"))["text"] == "whole"
