import json
import shutil

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import yaml

import workbench as wb
from workbench.core.conditions import Condition
from workbench.core.lookup import lookup
from workbench.saved_run import Run, with_factors
from workbench.storage.parquet import read_table, write_table


@pytest.fixture(scope="module")
def run(embedded):
    return wb.load_run(embedded[1])


def test_a_run_reads_its_tables_as_frames(run):
    keys = ["problem_id", "temperature", "sample_index"]
    assert len(run.samples) == len(run.scores) == 12 * 17
    assert run.samples[keys].equals(run.scores[keys])
    assert {"answer", "answer_rule", "status", "correct", "reward_likelihood"} <= set(run.scores)
    assert len(run.subsets) == 12 * 2 * 2 * 10
    assert {"k", "members", "cos_sim", "dpp", "maj_correct", "coverage"} <= set(run.subsets)
    assert {"pass@k", "maj@k", "best@k", "mean_cos_sim"} <= set(run.expectations)
    assert len(run.problems) == 12
    assert run.samples is run.samples  # read once
    assert run.read("subsets", without=["members"]).equals(run.subsets.drop(columns="members"))


def test_members_are_what_the_metrics_were_taken_of(run):
    """From the stored rows alone: the mean log-probability and the number correct."""
    keys = ["problem_id", "temperature", "sample_index"]
    logprobs = run.samples.set_index(keys)["mean_logprob"]
    correct = run.scores.set_index(keys)["correct"]
    for row in run.subsets.iloc[::37].to_dict("records"):
        of = [(row["problem_id"], row["temperature"], int(i)) for i in row["members"]]
        assert len(set(of)) == row["k"]
        assert row["avg_log_prob"] == pytest.approx(logprobs.loc[of].mean())
        assert row["num_correct"] == correct.loc[of].sum()
        assert row["coverage"] == correct.loc[of].any()


def test_the_mean_log_probability_is_that_of_the_tokens(run):
    for row in run.samples.head(20).to_dict("records"):
        assert row["mean_logprob"] == pytest.approx(np.mean(row["token_logprobs"]))
        assert row["num_output_tokens"] == len(row["output_token_ids"])


def test_tables_are_listed_and_read_as_numbers(run):
    assert "accuracy_by_k_temperature" in run.tables
    frame = run.table("accuracy_by_k_temperature")
    assert frame["k"].tolist() == [2, 2, 2, 4, 4, 4]
    assert frame["temperature"].tolist()[:2] == [0.3, 1.0]
    assert pd.api.types.is_float_dtype(frame["maj_correct"])
    with pytest.raises(ValueError, match="unknown table 'acuracy_by_k'; did you mean"):
        run.table("acuracy_by_k")


def test_a_table_without_a_row_is_an_empty_frame(finished):
    """The experiment measures no dpp."""
    assert wb.load_run(finished[1]).table("correct_count_correlation").empty


def test_blocks_that_know_nothing_of_a_column_are_read_beside_those_that_do(embedded, tmp_path):
    """As in an unfinished run: a block of greedy samples alone has no pair to compare."""
    shutil.copytree(embedded[1], tmp_path / "run")
    path = tmp_path / "run" / "expectations" / "block-00001.parquet"
    table = read_table(path)
    place = table.schema.get_field_index("mean_cos_sim")
    nulls = pa.nulls(table.num_rows)
    write_table(path, table.set_column(place, "mean_cos_sim", nulls), "made")
    frame = wb.load_run(tmp_path / "run").expectations
    unknown = frame.loc[frame["mean_cos_sim"].isna() & (frame["temperature"] > 0), "problem_id"]
    assert set(unknown) == {f"problem-{i}" for i in range(4, 8)}


def test_a_pool_by_name(run):
    pool = run.pool("problem-3", 0.3)
    assert (pool.problem_id, pool.temperature, len(pool)) == ("problem-3", 0.3, 8)
    assert pool.similarity.shape == (8, 8)
    rows = run.samples.query("problem_id == 'problem-3' and temperature == 0.3")
    assert list(pool.texts) == rows.sort_values("sample_index")["completion"].tolist()
    assert len(run.pool("problem-11", 0)) == 1  # greedy, in another block
    with pytest.raises(ValueError, match="unknown problem 'problem-99'"):
        run.pool("problem-99", 0.3)
    with pytest.raises(ValueError, match=r"no pool at temperature 0\.5 \(known: 0\.0, 0\.3, 1\.0"):
        run.pool("problem-3", 0.5)


def test_a_run_tells_what_it_is(run, embedded):
    assert run.signature.startswith("arithmetic|replay|T:0.3,1|N:8|seed:0|v0.1.0")
    assert str(embedded[1]) in repr(run)
    assert run.experiment.generation.n == 8
    assert run.manifest["stages"]["analyze"]["status"] == "done"


def test_figures_are_there_and_other_names_are_not(run):
    assert "plot" in dir(run)
    assert "accuracy_by_k" in dir(run.plot)
    with pytest.raises(AttributeError, match="has no attribute 'plots'"):
        _ = run.plots


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"is not a run: it has no experiment\.yaml"):
        Run(tmp_path)


@pytest.mark.parametrize(
    ("what", "stage"), [("scores", "score"), ("subsets", "measure"), ("expectations", "analyze")]
)
def test_a_run_that_has_not_come_so_far_says_what_to_run(cli, experiment, tmp_path, what, stage):
    cli.must("generate", experiment(), "--out", tmp_path / "run")
    run = wb.load_run(tmp_path / "run")
    assert len(run.samples) == 204
    with pytest.raises(ValueError, match=f"has no {what} yet; run `workbench {stage}"):
        getattr(run, what)
    with pytest.raises(ValueError, match="has no tables yet; run `workbench analyze"):
        run.table("statuses")


def test_lookup_names_the_nearest():
    assert lookup({"a": 1}, "a", "thing") == 1
    with pytest.raises(ValueError, match=r"^unknown metric 'dppp'; did you mean 'dpp'\? \(known: "):
        lookup({"dpp": 1, "cos_sim": 2}, "dppp", "metric")
    with pytest.raises(ValueError, match=r"^unknown metric 'zzz' \(known: dpp\)$"):
        lookup({"dpp": 1}, "zzz", "metric")


def test_a_run_is_read_and_analysed_where_its_model_and_problems_are_not(cli, hand_made, tmp_path):
    """Copied from the machine that drew it to a laptop."""
    made = hand_made(["7"] * 2, [[(r"\boxed{7}", -0.1, "stop"), ("?", -0.2, "stop")]] * 2)
    shutil.copytree(made, tmp_path / "run")
    path = tmp_path / "run" / "experiment.yaml"
    tree = yaml.safe_load(path.read_text())
    tree["task"]["source"] = "/gone/problems.jsonl"
    tree["generation"] |= {"model": "/gone/model", "backend": "transformers"}
    path.write_text(yaml.safe_dump(tree))
    manifest = tmp_path / "run" / "manifest.json"
    drawn = json.loads(manifest.read_text())
    drawn["drawn_with"]["model"] = "/gone/model"
    manifest.write_text(json.dumps(drawn))
    assert wb.load_run(tmp_path / "run").pool("p0", 1.0).texts == (r"\boxed{7}", "?")
    for stage in ("score", "measure", "analyze"):
        cli.must(stage, tmp_path / "run", "--set", "measure.replicates=3")
    refused = cli("run", tmp_path / "run")
    assert refused.code == 1
    assert "/gone/model" in refused.err
    assert "/gone/problems.jsonl" in refused.err


def rows_in(*conditions):
    return pd.DataFrame({
        "problem_id": "p", "condition": list(conditions), "temperature": 1.0, "sample_index": 0,
    })  # fmt: skip


def test_rows_have_a_column_for_each_factor_that_varies():
    cells = [
        Condition(name, 1.0, 8, {}, {"temperature": 1.0, "min_p": p, "stop": s, "top_k": 4})
        for name, p, s in (("b", 0.1, ()), ("a", 0.0, ("Q:",)))
    ]  # fmt: skip
    found = with_factors(rows_in("a", "b", "old"), cells)
    assert list(found.columns) == [
        "problem_id", "condition", "temperature", "min_p", "stop", "sample_index",
    ]  # fmt: skip
    assert found["condition"].cat.categories.tolist() == ["b", "a", "old"]
    assert found["condition"].cat.ordered
    np.testing.assert_array_equal(found["min_p"], [0.0, 0.1, np.nan])  # of "old" it is not known
    assert found["stop"].tolist()[:2] == ["Q:", "none"]
    assert pd.isna(found["stop"][2])


def test_rows_of_temperatures_have_no_further_column():
    found = with_factors(rows_in("T1"), [Condition("T1", 1.0, 8), Condition("T2", 2.0, 8)])
    assert list(found.columns) == list(rows_in("T1").columns)
    frame = pd.DataFrame({"k": [2]})
    assert with_factors(frame, []) is frame
