import shutil

import numpy as np
import pandas as pd
import pytest

from workbench import load_run
from workbench.rewards.logistic import folds_of
from workbench.rewards.nearest import build, neighbour_features
from workbench.rewards.quality import FEATURES, model_disagreement


@pytest.fixture(scope="module")
def learned(cli, tmp_path_factory):
    """(experiment file, folder) of a run whose reward is learned; its last stage not done."""
    from tests.conftest import blocks_of, write_experiment

    home = tmp_path_factory.mktemp("learned")
    path = write_experiment(
        home / "experiment.yaml", generation__logprobs=20,
        scoring={"rewards": ["likelihood", "quality"]},
        selection={"aggregators": ["best:quality", "weighted:quality"], "reward": "quality"},
    )  # fmt: skip
    blocks_of(home / "run", 4)
    cli.must("run", path, "--out", home / "run")
    return path, home / "run"


def test_every_sample_has_a_quality_and_it_stands_in_the_scores(learned):
    run = load_run(learned[1])
    assert run.scores["reward_quality"].between(0, 1).all()
    kept = run.read("rewards/quality")
    np.testing.assert_array_equal(kept["reward"], run.scores["reward_quality"])
    known = ["primary_confidence", "primary_entropy", "knn_similarity", "example_quality"]
    assert run.manifest["stages"]["rewards/quality"]["features"] == known
    assert kept[list(FEATURES)].notna().all().to_dict() == {n: n in known for n in FEATURES}
    np.testing.assert_allclose(kept["primary_confidence"], 1 - run.samples["mean_entropy"])
    assert run.tables


def test_neighbours_are_of_other_problems_that_were_learned_from(learned):
    run = load_run(learned[1])
    rows = run.scores.assign(correct=run.scores["correct"].astype(float))
    tables = list(run.tables_of("embeddings"))
    vectors = np.concatenate(
        [t.column("embedding").combine_chunks().flatten().to_numpy() for t in tables]
    ).reshape(len(rows), -1)
    codes, names = pd.factorize(rows["problem_id"])
    parts = folds_of(len(names), np.random.default_rng([0, len(names)]))
    kept = run.read("rewards/quality")
    for part in range(5):
        known, here = parts[codes] != part, parts[codes] == part
        # by hand: one entry per distinct text of a problem, the first of equal ones
        texts = rows.assign(
            row=np.arange(len(rows)),
            text=np.concatenate([t.column("text_hash").to_pandas() for t in tables]),
        )[known].groupby(["problem_id", "text"], sort=False)  # fmt: skip
        found = texts.agg(correct=("correct", "mean"), row=("row", "first")).reset_index()
        index = build(vectors[found["row"]], found)
        near, right = neighbour_features(index, vectors[here], list(rows["problem_id"][here]))
        np.testing.assert_allclose(kept["knn_similarity"][here], near, atol=1e-6)
        np.testing.assert_allclose(kept["example_quality"][here], right, atol=1e-6)


def test_it_is_learned_once_and_again_when_correctness_changes(cli, learned):
    path, folder = learned
    again = cli.must("score", path, "--out", folder)
    assert "score: up to date" in again.err
    scores = (folder / "scores" / "block-00001.parquet").read_bytes()
    (folder / "rewards" / "quality" / "block-00001.parquet").unlink()
    cli.must("score", path, "--out", folder)
    assert (folder / "scores" / "block-00001.parquet").read_bytes() == scores
    assert "score: up to date" in cli.must("score", path, "--out", folder).err


def test_more_samples_are_learned_from_and_another_seed_deals_anew(cli, learned, tmp_path):
    path, folder = learned
    topped = tmp_path / "run"
    shutil.copytree(folder, topped)
    before = load_run(topped).scores["reward_quality"]
    ten = ("--set", "generation.n=10")
    cli.must("generate", path, "--out", topped, *ten)
    cli.must("score", path, "--out", topped, *ten)
    more = load_run(topped)
    assert len(more.scores) == len(before) + 12 * 2 * 2
    assert more.scores["reward_quality"].between(0, 1).all()
    kept = more.read("rewards/quality")
    np.testing.assert_array_equal(kept["reward"], more.scores["reward_quality"])
    cli.must("score", path, "--out", topped, *ten, "--set", "measure.seed=5")
    assert (load_run(topped).scores["reward_quality"] != more.scores["reward_quality"]).any()


def test_scores_that_are_graded_anew_get_it_back(cli, learned, tmp_path):
    path, folder = learned
    graded = tmp_path / "run"
    shutil.copytree(folder, graded)
    block = graded / "scores" / "block-00000.parquet"
    scores = block.read_bytes()
    block.unlink()
    again = cli.must("score", path, "--out", graded)
    assert "rewards/quality: up to date" in again.err
    assert block.read_bytes() == scores


def test_too_few_problems_are_named(cli, experiment, tmp_path):
    path = experiment(
        task__num_problems=4,
        scoring={"rewards": ["quality"]},
        selection={"aggregators": ["maj"], "reward": None},
    )
    child = cli("run", path, "--out", tmp_path / "run")
    child.refuses("5 or more, got 4", "quality")


def test_the_spread_of_models():
    logprobs = np.array([[-1.0, -1.0, np.nan], [-3.0, np.nan, np.nan], [-2.0, -1.0, -5.0]])
    np.testing.assert_allclose(model_disagreement(logprobs), [np.std([-1, -3, -2]), 0.0, np.nan])


def test_it_is_the_quality_in_qual_dpp_where_it_is_asked_for(cli, learned, tmp_path):
    path, folder = learned
    weighed = tmp_path / "run"
    shutil.copytree(folder, weighed)
    sets = ["--set", "measure.metrics=[dpp, qual_dpp]", "--set", "measure.dpp_quality=quality"]
    cli.must("measure", path, "--out", weighed, *sets)
    run = load_run(weighed)
    rows = run.subsets
    for row in rows.iloc[::37].to_dict("records"):
        quality = run.pool(row["problem_id"], row["temperature"]).rewards["quality"]
        total = np.log(quality[row["members"]]).sum()
        assert row["qual_dpp"] == pytest.approx(row["dpp"] + total)
    sets[-1] = "measure.dpp_quality=likelihood"  # a log already
    cli.must("measure", path, "--out", weighed, *sets)
    likely = load_run(weighed).subsets
    cli.must("measure", path, "--out", weighed, *sets[:2])
    np.testing.assert_array_equal(likely["qual_dpp"], load_run(weighed).subsets["qual_dpp"])
    assert (likely["qual_dpp"] != rows["qual_dpp"]).any()
    child = cli("measure", path, "--out", weighed, "--set", "measure.dpp_quality=orm")
    child.wait()
    assert "measure.dpp_quality: 'orm' is not among scoring.rewards" in child.err
