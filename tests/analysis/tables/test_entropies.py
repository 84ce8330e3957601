"""Bounds of entropies by hand, on a run whose tables are written here."""

import dataclasses

import numpy as np
import pyarrow as pa
import pytest

from workbench.analysis.frames import Data
from workbench.analysis.tables.entropies import entropy_bounds
from workbench.config.schema import Experiment, Generation, Measure, TaskSettings
from workbench.config.scoring_schema import Scoring, SecondModel
from workbench.core.types import Known, Problem, Sample
from workbench.saved_run import Run
from workbench.storage.manifest import Manifest
from workbench.storage.parquet import STORED_KEY, sample_rows, write_table
from workbench.storage.run_folder import Folder

PROBLEMS = 12
VOCABULARY = 120
STAGE = {
    "status": "done", "own_model": True, "entropies": "exact", "vocabulary": VOCABULARY,
}  # fmt: skip
EXPERIMENT = Experiment(
    name="bounded", task=TaskSettings(name="arithmetic"), measure=Measure(k=(2,)),
    generation=Generation(model="m", n=2, temperatures=(0.5, 1.0), logprobs=20),
    scoring=Scoring(models={"bound": SecondModel(model="m"), "again": SecondModel(model="m")}),
)  # fmt: skip


def lower(problem, temperature):
    return temperature * (1 + problem / 10)


@pytest.fixture
def run(tmp_path):
    """A function of what differs: the run, two tokens a sample, a third sample beyond n."""

    def make(experiment=EXPERIMENT, stages=None, off=0.0):
        folder = Folder(tmp_path)
        folder.write_experiment(experiment)
        folder.write_problems([Known(Problem(f"p{i}", "?", "1"), "h") for i in range(PROBLEMS)])
        samples = [
            Sample(
                f"p{i}", t, j, "x", "error" if i == 3 and j == 1 else "stop", (1, 2), (-1.0, -1.0),
                1, "h", token_entropies=(lower(i, t) - 0.25, lower(i, t) + 0.25) if j < 2 else (),
                missing_mass=(0.125, 0.25 if t == 1 else 0.125),
            )
            for i in range(PROBLEMS) for t in (0.5, 1.0) for j in range(3)
        ]  # fmt: skip
        rows = sample_rows(samples)
        write_table(folder.root / "samples/block-00000.000.parquet", rows, "drawn")
        exact = [
            None if s.stop_reason == "error" else lower(int(s.problem_id[1:]), s.temperature) + 0.5
            for s in samples
        ]
        exact[0] += off
        again = pa.table({key: rows.column(key) for key in STORED_KEY} | {"mean_entropy": exact})
        write_table(folder.block_path("under/again", 0), again, "read")
        pools = {key: [row[key] for row in rows.to_pylist()[::3]] for key in STORED_KEY[:3]}
        count = len(pools["problem_id"])
        pools |= {"k": [1] * count, "n": [2] * count, "num_unknown": [0] * count}
        write_table(folder.block_path("expectations", 0), pa.table(pools), "measured")
        known = {"under/bound": STAGE | {"entropies": "lower bound"}, "under/again": STAGE}
        Manifest(folder.manifest_path).update(
            stages=known if stages is None else stages, identity={"entropies": "lower bound"},
            problems_per_block=50,
        )  # fmt: skip
        return entropy_bounds(Data(Run(tmp_path)))

    return make


def test_the_bounds_by_hand(run):
    table = run()
    frame = table.frame.set_index("condition")
    assert frame.index.tolist() == ["T0.5", "T1"]
    assert (frame["samples"] == 2 * PROBLEMS - 1).all()  # one failed; the third ones are beyond n
    kept = [i for i in range(PROBLEMS) for j in range(2) if (i, j) != (3, 1)]
    for name, t, mass in (("T0.5", 0.5, 0.125), ("T1", 1.0, 0.1875)):
        mean = np.mean([lower(i, t) for i in kept])
        row = frame.loc[name]
        assert row["lower"] == pytest.approx(mean)
        assert row["exact"] == pytest.approx(mean + 0.5)
        assert row["upper"] == pytest.approx(mean + mass * np.log(VOCABULARY - 20))
        assert row["gap_lower"] == pytest.approx(0.5)
        assert row["gap_upper"] == pytest.approx(mass * np.log(100) - 0.5)
        assert row["exact_low"] < row["exact"] < row["exact_high"]
        assert row["rank"] == pytest.approx(1)
        assert row["outside"] == 0
    assert "20 likeliest tokens, 100 left out" in table.notes[1]


@pytest.mark.parametrize("off", [0.3, -0.6])  # above the upper bound, and below the lower
def test_what_is_outside_the_bounds_is_counted(run, off):
    assert run(off=off).frame["outside"].tolist() == [1, 0]


@pytest.mark.parametrize(
    "changes",
    [
        {"stages": {"under/again": STAGE | {"own_model": False}}},
        {"stages": {"under/again": STAGE | {"entropies": "lower bound"}}},
        {"stages": {"under/again": STAGE | {"status": "interrupted"}}},
        {"stages": {}},
        {"experiment": dataclasses.replace(
            EXPERIMENT, generation=dataclasses.replace(EXPERIMENT.generation, logprobs=0))},
        {"experiment": dataclasses.replace(EXPERIMENT, scoring=Scoring())},
    ],
)  # fmt: skip
def test_without_both_the_table_is_empty_and_says_what_is_needed(run, changes):
    table = run(**changes)
    assert table.frame.empty
    assert "set generation.logprobs to 20" in table.notes[0]
