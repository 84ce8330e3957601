"""Samples of unknown correctness have one treatment in every table, on the page and in W&B."""

import json
import shutil

import numpy as np
import pyarrow as pa
import pytest

from workbench.analysis.aggregate.outcomes import EXTREMES
from workbench.analysis.aggregate.stage import TABLES as MADE
from workbench.analysis.aggregate.stage import aggregate_share
from workbench.analysis.frames import Data
from workbench.analysis.known_outcomes import DRAWN
from workbench.analysis.page.headline import headline
from workbench.analysis.page.html import render
from workbench.analysis.page.report import report
from workbench.analysis.tables import TABLES, make_table
from workbench.analysis.wandb_summary import summary
from workbench.measure.block_tables import assembled
from workbench.saved_run import Run
from workbench.storage.open_run import OpenRun
from workbench.storage.parquet import KEY, read_table, write_table

QUIET = ("--set", "tracking.mode=disabled", "--set", "analysis.resamples=100")
ENDS = ("_error", "_low", "_high", "_p", "_q", *EXTREMES)


def test_one_right_and_one_unknown_of_each_problem_by_hand(cli, tmp_path):
    """Row 3 of the faulty imports: 12 problems, each with a right and an unjudged sample."""
    rows = [
        {"problem_id": f"p{p}", "text": f"solution {p} {i}", "correct": [True, None][i]}
        for p in range(12) for i in range(2)
    ]  # fmt: skip
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    folder = tmp_path / "run"
    cli.must("import", tmp_path / "rows.jsonl", "--out", folder, *QUIET)
    sets = ("--set", "measure.k=[1,2]", "--set", "measure.metrics=[distinct_texts]")
    cli.must("run", folder, *sets, tables=True)
    run = Run(folder)
    for name in ("accuracy_by_k", "accuracy_by_k_temperature"):
        (row,) = run.table(name).to_dict("records")  # no two samples of a problem are judged
        assert (row["k"], row["coverage"], row["single_sample"]) == (1, 1.0, 1.0)
        assert row["coverage_p"] == 1.0
    (row,) = run.table("coverage_curve").to_dict("records")
    assert (row["k"], row["pass@k"], row["pass@k_lower"], row["pass@k_upper"]) == (1, 1.0, 0.5, 1.0)
    (row,) = run.table("statuses").to_dict("records")
    assert (row["samples"], row["unknown"], row["accuracy"]) == (24, 12, 1.0)
    assert (row["answered"], row["no_answer"], row["ungraded"]) == (12, 0, 12)
    assert [tile.value for tile in headline(run).tiles[:2]] == ["1.000", "1.000"]
    said = cli.must("show", folder, "accuracy_by_k").out
    said = " ".join(said.split())
    assert "12 of 24 samples are of unknown correctness and left out, with the 24 subsets" in said
    assert "12 pools with fewer than k samples of known correctness are left out for that k" in said
    assert "wrong, and all right: 0.500 to 1.000 at T = unknown (50.0% unknown)" in said
    assert "reliability" not in render(report(run)).lower()  # no reward, nothing to rely on
    scalars = summary({name: run.table(name) for name in run.tables})
    assert scalars["accuracy/Tunknown"] == scalars["pass@1/Tunknown"] == scalars["pass@1"] == 1.0
    assert scalars["unknown/Tunknown"] == scalars["status/ungraded/Tunknown"] == 0.5


@pytest.fixture(scope="module")
def judged(embedded, tmp_path_factory):
    """A function: verdicts (P, T, N) of a finished run's samples, NaN unknown -> run, its tables.

    Everybody answers, and all alike, so that whatever is picked of a problem is as right as any.
    """
    root = tmp_path_factory.mktemp("judged") / "run"
    shutil.copytree(embedded[1], root)
    places = {}

    def make(verdicts):
        run = Run(root)
        settings = run.experiment
        for block in run.blocks:
            path = run.folder.block_path("scores", block)
            table = read_table(path)
            keys = [table.column(name).to_pylist() for name in KEY]
            places.update({n: places.get(n, len(places)) for n in dict.fromkeys(keys[0])})
            temperatures = sorted({*keys[1]})
            right = [
                verdicts[places[problem], temperatures.index(t), place]
                for problem, t, place in zip(*keys, strict=True)
            ]
            columns = {
                "is_correct": pa.array([None if np.isnan(r) else bool(r) for r in right]),
                "answer_cluster": pa.array([0] * len(right), pa.int32()),
                "status": pa.array(["answered"] * len(right)),
            }
            for name, column in columns.items():
                table = table.set_column(table.schema.names.index(name), name, column)
            write_table(path, table, "tested")
            told = settings.measure, settings.selection, (block, 0, 1)
            parts = aggregate_share(OpenRun.of(root, settings), *told, with_embeddings=True)
            for name in MADE:
                write_table(run.folder.block_path(name, block), assembled(parts[name]), "tested")
        run = Run(root)
        data = Data(run, metrics=("dpp",))
        tables = {name: make_table(name, data) for name in TABLES}
        for name in ("coverage_curve", "statuses"):  # which the headline reads
            tables[name].frame.to_csv(root / "tables" / f"{name}.csv", index=False)
        return run, {name: table.frame for name, table in tables.items()}

    return make


def shares_of_right(all_right, all_wrong):
    """The columns of a table that are 1 where all samples are right, and 0 where all are wrong."""
    return [
        name for name in all_right.select_dtypes("number")
        if not name.endswith(ENDS) and name in all_wrong
        and {*all_right[name].dropna()} == {1} and {*all_wrong[name].dropna()} == {0}
    ]  # fmt: skip


def test_the_columns_of_every_table_are_over_the_same_samples(judged):
    """Where a problem's samples are all right, or all wrong, a share of right samples is that of
    the problems that it is over: columns over others differ, and so do those that take unknown
    samples for wrong. A table that is added to TABLES is tested too."""
    size = (12, 3, 8)
    _, all_right = judged(np.ones(size))
    _, all_wrong = judged(np.zeros(size))
    columns = {name: shares_of_right(all_right[name], all_wrong[name]) for name in TABLES}
    assert {"coverage", "single_sample", "greedy", "maj_correct"} <= {*columns["accuracy_by_k"]}
    assert sum(map(bool, columns.values())) >= 11
    rng = np.random.default_rng(0)
    verdicts = np.broadcast_to(rng.permutation([0.0, 1.0] * 6)[:, None, None], size).copy()
    verdicts[rng.random(size) < rng.choice([0.0, 0.2, 0.9], size[:2])[..., None]] = np.nan
    run, tables = judged(verdicts)
    for name, frame in tables.items():
        for row in frame.to_dict("records"):
            found = {column: row[column] for column in columns[name] if column in row}
            # what is drawn is of the pools of which a subset without an unknown sample was drawn,
            # and greedy of the problems whose one greedy sample is known
            for of in (DRAWN, "greedy", ""):
                same = {n: found.pop(n) for n in [*found] if n.startswith(of)}
                assert len({round(value, 9) for value in same.values()}) <= 1, (name, same)
    by_m = tables["pruning"].groupby(["temperature", "m"])["accuracy"]
    assert by_m.agg(np.ptp).max() == pytest.approx(0)
    gaps = tables["oracle_gap"]
    assert gaps[[c for c in gaps if c.endswith("_correct")]].abs().max(axis=None) < 1e-12
    curve = tables["coverage_curve"].set_index(["k", "temperature"])["pass@k"]
    accuracy = tables["statuses"].set_index("temperature")["accuracy"]
    np.testing.assert_allclose(accuracy, curve.loc[1])
    top = headline(run)
    right = {tile.value for tile in top.tiles if tile.label != "distinct texts"}
    assert len(right) == 1
    assert any("unknown correctness are left out" in note for note in top.notes)
    scalars = summary(tables)
    for at in ("@2/T0.3", "@4/T1", "@2", "@4"):
        for names in (("maj", "best", "pass"), ("drawn_weighted", "drawn_lex_mbr")):
            assert len({round(scalars[f"{name}{at}"], 12) for name in names}) == 1
    for k, temperature in ((2, 0.3), (4, 1.0)):
        assert scalars[f"maj@{k}/T{temperature:g}"] == pytest.approx(curve[k, temperature])
