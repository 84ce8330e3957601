"""The reward self_certainty by hand from a table, through the command line, and its bad input."""

import json

import numpy as np
import pytest

import workbench as wb
from workbench.rewards.second_model_rewards import self_certainty
from workbench.storage.parquet import STORED_KEY, read_table, sample_rows, write_table

KEY_COLUMNS = list(STORED_KEY)


@pytest.fixture
def sure(experiment, model):
    """A function that writes an experiment whose model is asked how sure it is, with changes."""

    def write(name="sure", **changes):
        first = {"model": str(model), "backend": "transformers", "dtype": "float32", "logprobs": 1}
        scoring = {
            "rewards": ["likelihood", "self_certainty"],
            "models": {"sure": first | changes},
            "self_certainty": name,
        }
        rules = ["best:self_certainty", "borda:self_certainty", "filtered:self_certainty"]
        return experiment(scoring=scoring, selection={"aggregators": rules})

    return write


def test_it_is_the_mean_over_the_tokens_and_votes_go_by_it(cli, sure, tmp_path, left_in):
    path, folder = sure(), tmp_path / "run"
    cli.must("run", path, "--out", folder, tables=["reward_report"])
    run = wb.load_run(folder)
    scores = run.scores.set_index(KEY_COLUMNS)["reward_self_certainty"]
    under = left_in(folder, "under/sure")["mean_certainty"]
    np.testing.assert_allclose(scores.sort_index(), under)
    assert scores.notna().all()
    assert scores.gt(0).all()
    assert scores.nunique() > 20
    report = run.table("reward_report")
    assert {"likelihood", "self_certainty"} == {*report["reward"]}
    row = report[report["reward"] == "self_certainty"]
    assert row["brier"].isna().all()  # it is no probability
    assert row["auroc"].notna().all()
    assert "borda:self_certainty_correct" in run.subsets
    again = cli.must("score", path, "--out", folder).err
    assert "self_certainty: up to date" in again


def test_what_is_not_known_or_infinite_is_missing(open_run):
    import pyarrow as pa

    from workbench.config.scoring_schema import Scoring, SecondModel
    from workbench.core.types import Sample

    run = open_run()
    rows = sample_rows([Sample("p", 1.0, i, "x", "stop", (1,), (-1.0,), i, "h") for i in range(3)])
    write_table(run.next_part(0), rows, "drawn")
    kept = {key: rows.column(key) for key in STORED_KEY} | {"mean_certainty": [2.5, None, np.inf]}
    write_table(run.block_path("under/sure", 0), pa.table(kept), "said")
    second = SecondModel(model="m", backend="transformers", logprobs=1)
    self_certainty(run, Scoring(models={"sure": second}, self_certainty="sure"))
    found = read_table(run.block_path("rewards/self_certainty", 0)).column("reward")
    assert found.to_pylist() == [2.5, None, None]
    assert json.loads(run.manifest_path.read_text())["stages"]["self_certainty"]["without"] == 2
    with pytest.raises(ValueError, match=r"needs scoring\.self_certainty"):
        self_certainty(run, Scoring())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": None}, ["scoring.self_certainty: missing", "one model's"]),
        ({"name": "shure"}, ["'shure' is not among scoring.models (known: sure)"]),
        ({"logprobs": 0}, ["'sure' tells no whole distributions", "logprobs above 0"]),
        ({"backend": "vllm"}, ["'sure' tells no whole distributions", "backend to transformers"]),
    ],
)
def test_a_model_that_cannot_tell_is_named_before_anything_is_drawn(
    cli, sure, tmp_path, changes, words
):
    child = cli("run", sure(**changes), "--out", tmp_path / "run")
    child.wait()
    assert child.code == 1
    for word in words:
        assert word in child.err
    assert not (tmp_path / "run" / "samples").exists()
