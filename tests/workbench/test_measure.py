import itertools

import numpy as np
import pytest

from analysis.aggregate import AGGREGATORS
from workbench.compute import compute_all
from workbench.config import Experiment, Generation, Measure, Selection, Task
from workbench.measure import _table, measure_subsets
from workbench.types import Pool

NAN = np.nan


def pool(correct=(1, 0, 0, 1, 0), statuses=None, clusters=(0, 1, 1, -1, 2), vectors=None):
    count = len(correct)
    return Pool(
        problem_id="p",
        temperature=0.5,
        texts=tuple(f"a text of {'ab'[i % 2]}" for i in range(count)),
        logprobs=-np.arange(1.0, count + 1),
        num_tokens=np.arange(count) + 3,
        answers=tuple(None if c < 0 else str(c) for c in clusters),
        clusters=np.array(clusters),
        correct=np.array(correct, dtype=float),
        statuses=statuses or ("answered",) * count,
        rewards={"likelihood": -np.arange(1.0, count + 1)},
        embeddings=vectors,
    )


def experiment(k=(2,), replicates=100, metrics=("avg_log_prob",), rules=("maj", "best")):
    return Experiment(
        name="x",
        task=Task(name="arithmetic", num_problems=1),
        generation=Generation(model="m", n=5),
        measure=Measure(k=k, replicates=replicates, metrics=metrics),
        selection=Selection(aggregators=rules),
    )


def frame(pool, k, settings):
    """The table of a pool's subsets, as it is read back."""
    columns = measure_subsets(pool, k, settings, AGGREGATORS)
    return _table("subsets", [(0, columns)]).to_pandas()


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
import workbench.journal as journal
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
        cli.must(stage, path, "--out", folder)
    notes = (folder / "tables" / "accuracy_by_k.md").read_text()
    assert f"{problems} problems" in notes
    assert note in notes
    cli.must("run", path, "--out", folder)  # and then to its end
    assert "12 problems" in (folder / "tables" / "accuracy_by_k.md").read_text()


def test_a_run_without_one_pool_of_k_cannot_be_analysed_yet(cli, experiment, tmp_path):
    path, folder = experiment(generation__greedy=False), tmp_path / "run"
    cli("run", path, "--out", folder, before=STOP.format(samples=1)).refuses("disk is full")
    for stage in ("score", "measure"):
        cli.must(stage, path, "--out", folder)
    cli("analyze", path, "--out", folder).refuses("no pool of 2 samples yet", "workbench generate")
