import json

import numpy as np
import pytest

import workbench as wb
from workbench.analysis.frames import Data
from workbench.analysis.tables import TABLES, make_table
from workbench.metrics import METRICS, Metric


@pytest.fixture
def own(monkeypatch):
    """A function that registers a metric for one test."""

    def register(fn, *needs, name="own"):
        monkeypatch.setitem(
            METRICS,
            name,
            Metric(fn=fn, needs=needs, label="own [-]", summary="", larger_means="neither"),
        )

    return register


def test_what_a_run_has_is_measured_again_to_the_same_numbers(embedded):
    run = wb.load_run(embedded[1])
    names = run.experiment.measure.metrics
    again = run.measured_with(*names)
    for name in names:
        assert again[name].equals(run.subsets[name]), name
    rest = list(run.subsets.columns.difference(names))
    assert again[rest].drop(columns="members").equals(run.subsets[rest].drop(columns="members"))


def test_an_own_metric_sees_the_members_of_each_subset(finished, own):
    """By hand, from the stored rows: the longest text of each subset."""
    own(
        lambda texts, subsets: np.array(list(map(len, texts)))[subsets].max(axis=1),
        "texts",
        "subsets",
    )
    run = wb.load_run(finished[1])
    before = sorted(path.name for path in finished[1].rglob("*"))
    measured = run.measured_with("own")
    keys = ["problem_id", "temperature", "sample_index"]
    lengths = run.samples.set_index(keys)["completion"].str.len()
    for row in measured.iloc[::17].to_dict("records"):
        of = [(row["problem_id"], row["temperature"], int(i)) for i in row["members"]]
        assert row["own"] == lengths.loc[of].max()
    assert sorted(path.name for path in finished[1].rglob("*")) == before
    assert "own" not in run.subsets


@pytest.mark.parametrize("name", TABLES)
def test_every_table_can_be_made_of_an_own_metric(finished, own, name):
    own(lambda tokens, subsets: tokens[subsets].std(axis=1), "num_tokens", "subsets")
    table = make_table(name, Data(wb.load_run(finished[1]), ["own"]))
    if name in ("correlation", "within_correlation", "bucket", "partial_correlation"):
        column = "Measure" if name == "partial_correlation" else "metric"
        assert set(table.frame[column]) == {"own"}
    if name == "diversity_by_correctness":
        assert "own is not measured" in table.notes[0] or "no pool has" in table.notes[0]


def test_samples_of_unknown_temperature_and_failed_ones(cli, tmp_path, own, hand_made):
    lines = [
        json.dumps({"problem_id": f"p{i}", "text": "a" * (j + 1), "answer": "1", "correct": True})
        for i in range(2)
        for j in range(4)
    ]
    (tmp_path / "samples.jsonl").write_text("\n".join(lines))
    cli.must(
        "import", tmp_path / "samples.jsonl", "--out", tmp_path / "run", "--set", "measure.k=[2]",
        "--column", "answer=answer",
        "--set", "measure.metrics=[distinct_texts]", "--set", "selection.aggregators=[maj]",
    )  # fmt: skip
    for stage in ("score", "measure"):
        cli.must(stage, tmp_path / "run")
    own(
        lambda texts, subsets: np.array(list(map(len, texts)))[subsets].sum(axis=1),
        "texts",
        "subsets",
    )
    measured = wb.load_run(tmp_path / "run").measured_with("own")
    assert len(measured) == 12
    assert measured["own"].tolist() == [sum(i + 1 for i in m) for m in measured["members"]]

    failed = hand_made(
        ["7"] * 2,
        [[("a", -0.1, "stop"), ("b", -0.2, "error"), ("c", -1, "stop")]] * 2,
        ("generate", "score", "measure"),
    )
    measured = wb.load_run(failed).measured_with("own")
    assert measured["own"].isna().tolist() == [1 in members for members in measured["members"]]


@pytest.mark.parametrize(
    ("fn", "needs", "said"),
    [
        (lambda s: s, ("subsets",), r"metric 'own' gave an array of shape \(5, 2\) for 5"),
        (lambda s: 1.0, ("subsets",), r"of shape \(\) for 5 subsets of 2; it must return one"),
        (lambda t: t, ("text",), "unknown need of metric 'own' 'text'; did you mean 'texts'"),
        (lambda s: s, ("similarity",), "has no embeddings; run `workbench score`"),
    ],
)  # fmt: skip
def test_a_metric_that_cannot_be_is_refused(finished, own, fn, needs, said):
    own(fn, *needs)
    with pytest.raises(ValueError, match=said):
        wb.load_run(finished[1]).measured_with("own")


def test_an_unknown_metric_and_an_unmeasured_run_are_refused(finished, cli, experiment, tmp_path):
    with pytest.raises(ValueError, match="unknown metric 'distinct_9'; did you mean"):
        wb.load_run(finished[1]).measured_with("distinct_9")
    cli.must("generate", experiment(), "--out", tmp_path / "run")
    with pytest.raises(ValueError, match="has no subsets yet; run `workbench measure"):
        wb.load_run(tmp_path / "run").measured_with("distinct_1")
