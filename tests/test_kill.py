"""SIGKILL at random moments: nothing that reached the disk is lost, changed or drawn again."""

import json
import signal
import time

import numpy as np
import pytest

KILLS = [*["generate"] * 4, *["score"] * 3, *["measure"] * 3, *["analyze"] * 3]
STAGES = ("generate", "score", "measure", "analyze")

# Every file waits on its way to the disk, so that kills fall into the middle of writing, too.
SLOW_DISK = """
import os, time
real = os.fsync
def slow(number):
    time.sleep(0.015)
    real(number)
os.fsync = slow
"""

# What the backend has handed over, told to a file that the workbench knows nothing of.
TELL = """
import workbench.generate.replay as replay
real = replay.sample
def told(requests, settings):
    with open({path!r}, "a") as file:
        for sample in real(requests, settings):
            yield sample
            print(sample.problem_id, file=file, flush=True)  # the stage came back for the next
replay.sample = told
"""


def stage_of(folder):
    """The stage that the manifest says is running."""
    try:
        stages = json.loads((folder / "manifest.json").read_text()).get("stages", {})
    except FileNotFoundError:
        return None
    running = [name for name, entry in stages.items() if entry["status"] == "running"]
    return running[-1] if running else None


@pytest.fixture(scope="module")
def slow_experiment(cli, embedded, tmp_path_factory):
    text = embedded[0].read_text()
    path = tmp_path_factory.mktemp("kill") / "experiment.yaml"
    path.write_text(text)
    return path


def test_kills_over_all_stages_change_nothing(
    cli, blocks, rows_of, tables_of, slow_experiment, embedded, tmp_path
):
    slowly = ("--set", "generation.engine.seconds_per_sample=0.004")
    undisturbed, killed = embedded[1], tmp_path / "killed"  # of larger blocks, which is the same
    blocks(killed, 2)
    rng = np.random.default_rng(7)
    known = {}
    struck = []
    for stage in KILLS:
        child = cli.start("run", slow_experiment, "--out", killed, *slowly, before=SLOW_DISK)
        waits_for = STAGES[STAGES.index(stage) :]
        child.until(lambda waits_for=waits_for: stage_of(killed) in waits_for)
        time.sleep(rng.uniform(0, 0.12))
        struck.append(stage_of(killed))
        assert child.stop(signal.SIGKILL).code == -signal.SIGKILL, "it ended before the kill"
        now = rows_of(killed)
        assert {key: now.get(key) for key in known} == known
        known = now
    assert {name: struck.count(name) >= 2 for name in STAGES} == dict.fromkeys(STAGES, True), struck
    cli.must("run", slow_experiment, "--out", killed, tables=True)

    assert rows_of(killed) == rows_of(undisturbed)
    assert len(known) == 12 * (8 + 8 + 1)
    assert tables_of(killed) == tables_of(undisturbed)
    assert len(tables_of(killed)) >= 9
    assert not list(killed.rglob("*.part"))
    assert not list(killed.rglob("*.journal"))


def test_at_half_time_nearly_every_finished_sample_is_on_disk(cli, experiment, rows_of, tmp_path):
    path = experiment(generation__engine={"seconds_per_sample": 0.003})
    told = tmp_path / "told"
    child = cli.start(
        "generate", path, "--out", tmp_path / "run", before=TELL.format(path=str(told))
    )
    child.until(lambda: told.exists() and told.read_text().count("\n") >= 102)  # half of 204
    child.stop(signal.SIGKILL)
    finished = told.read_text().count("\n")
    assert finished < 204, "the kill came too late to prove anything"
    kept = len(rows_of(tmp_path / "run"))
    assert kept >= 0.95 * finished

    told.unlink()  # and what is kept is not drawn again
    cli.must("generate", path, "--out", tmp_path / "run", before=TELL.format(path=str(told)))
    assert told.read_text().count("\n") == 204 - kept


def test_a_kill_between_a_block_and_its_journal_leaves_no_repeats(cli, copied, rows_of, tables_of):
    path, folder = copied
    before, tables = rows_of(folder), tables_of(folder)
    shard = folder / "samples" / "block-00000.000.parquet"
    original = shard.read_bytes()
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["stages"]["generate"]["status"] = "running"  # as a kill leaves it
    (folder / "manifest.json").write_text(json.dumps(manifest))
    make_journal = f"""
from pathlib import Path
from workbench.storage.journal import Journal
from workbench.storage.parquet import read_table
from workbench.core.types import Sample
import dataclasses
names = [f.name for f in dataclasses.fields(Sample)]
with Journal(Path({str(folder / "samples" / "block-00000.journal")!r})) as journal:
    for row in read_table(Path({str(shard)!r})).to_pylist():
        for name in ("output_token_ids", "token_logprobs"):
            row[name] = tuple(row[name])
        journal.add(Sample(**{{name: row[name] for name in names if name in row}}))
"""
    cli.must("run", path, "--out", folder, before=make_journal)
    assert not list(folder.rglob("*.journal"))
    assert shard.read_bytes() == original
    assert rows_of(folder) == before
    assert tables_of(folder) == tables
