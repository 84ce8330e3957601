"""The tables that the analysis writes beside the subsets."""

import json
import shutil

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from workbench.analysis.aggregate.outcomes import subset_outcomes
from workbench.analysis.aggregate.stage import TABLES, _aggregate_problem
from workbench.config.schema import Measure, Selection
from workbench.pools import Pool
from workbench.saved_run import Run
from workbench.storage.subset_table import drawn_subsets


def pool(temperature):
    return Pool(
        "p", temperature, tuple("abcab"), -np.arange(1.0, 6), np.ones(5), tuple("01122"),
        np.array([0, 1, 1, 2, 2]), np.array([1.0, 0, 0, 1, 0]), ("answered",) * 5,
        {"likelihood": -np.arange(1.0, 6)}, np.eye(5), ("boxed",) * 5,
    )  # fmt: skip


def test_a_pool_that_is_looked_at_keeps_no_matrices():
    measured = Measure(k=(2,), metrics=("cos_sim",))
    selection = Selection(aggregators=("maj", "lex_mbr", "sem_mbr"))
    held = [(0, pool(0.5)), (1, pool(1.0))]
    made = {name: [] for name in TABLES}
    _aggregate_problem(held, {}, 5, measured, selection, made)
    assert [place for place, _ in made["mixed"]] == [0]
    assert [place for place, _ in made["expectations"]] == [0, 1]
    for _, one in held:
        assert not {"similarity", "bleu", "ngrams"} & set(vars(one))


def test_outcomes_stand_beside_the_subsets_they_are_of(finished):
    run = Run(finished[1])
    assert not {"coverage", "maj_correct"} & set(read(run, "subsets"))
    assert list(run.subsets)[5:8] == ["members", "num_correct", "difficulty"]
    settings = run.experiment.selection
    for block in run.blocks:
        table = pq.read_table(run.folder.block_path("subsets", block))
        for (problem, condition), by_size in drawn_subsets(table).items():
            shown = run.pool(problem, condition)
            for k, subsets in by_size.items():
                assert k in (2, 4)
                of_pool = run.subsets.query(
                    "problem_id == @problem and condition == @condition and k == @k"
                )
                expected = subset_outcomes(shown, subsets.members, settings)
                for name in ("coverage", "maj_correct", "best_correct", "lex_mbr_correct"):
                    assert of_pool[name].tolist() == expected[name].tolist()


def test_another_selection_redoes_the_analysis_only(cli, copied):
    _, folder = copied
    before = {name: stamps(folder, name) for name in ("scores", "subsets", "outcomes")}
    child = cli.must("run", folder, "--set", "selection.aggregators=[maj, borda]")
    assert "measure: up to date" in child.err
    after = {name: stamps(folder, name) for name in before}
    assert after["scores"] == before["scores"]
    assert after["subsets"] == before["subsets"]
    assert after["outcomes"] != before["outcomes"]
    assert "borda_correct" in Run(folder).subsets
    assert "best_correct" not in Run(folder).subsets


def test_without_subsets_the_analysis_says_what_to_do(cli, copied):
    _, folder = copied
    shutil.rmtree(folder / "subsets")
    cli("analyze", folder).refuses("not measured yet", "workbench measure")


def test_a_run_of_the_older_layout_keeps_its_samples_and_scores(cli, copied):
    """Older runs hold the outcomes among the subsets, and none beside them."""
    _, folder = copied
    run = Run(folder)
    before = {name: stamps(folder, name) for name in ("samples", "scores")}
    tables = {p.name: p.read_bytes() for p in (folder / "tables").glob("*.csv")}
    whole = run.subsets
    for name in TABLES:
        shutil.rmtree(folder / name)
    for block in run.blocks:
        old = folder / "subsets" / f"block-{block:05}.parquet"
        marks = pq.read_schema(old).metadata
        problems = set(pq.read_table(old).column("problem_id").to_pylist())
        rows = whole[whole["problem_id"].isin(problems)]
        kept = {**marks, b"fingerprint": b"older"}
        kept.pop(b"columns", None)
        table = pq.read_table(old).schema
        made = pa.Table.from_pandas(rows, preserve_index=False)
        members = made.schema.get_field_index("members")
        made = made.set_column(
            members, "members", made["members"].cast(table.field("members").type)
        )
        pq.write_table(made.replace_schema_metadata(kept), old)
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["stages"]["aggregate"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    pd.testing.assert_frame_equal(Run(folder).subsets, whole, check_dtype=False)
    cli.must("run", folder)
    assert {name: stamps(folder, name) for name in before} == before
    assert {p.name: p.read_bytes() for p in (folder / "tables").glob("*.csv")} == tables
    assert not {"coverage", "maj_correct"} & set(read(Run(folder), "subsets"))


def read(run, name):
    return pq.read_table(run.folder.block_path(name, run.blocks[0])).column_names


def stamps(folder, name):
    return {path.name: path.stat().st_mtime_ns for path in (folder / name).glob("*.parquet")}
