from itertools import combinations
from pathlib import Path

import pytest

from workbench.config.size_estimate import (
    condition_lines,
    disk_bytes,
    size_estimate,
    time_line,
    tokens_of,
)
from workbench.experiment import load_experiment
from workbench.saved_run import Run

ROOT = Path(__file__).parents[3]
TEST = ROOT / "experiments" / "test.yaml"


def test_the_sizes_of_the_study():
    experiment = load_experiment(ROOT / "experiments" / "math500_study.yaml")
    assert size_estimate(experiment, 200).splitlines() == [
        "problems       200",
        "pools          800 (x 4 temperatures)",
        "requests       51,400 (x 64 samples + 200 greedy)",  # 200 x 4 x 64 and one each
        "output tokens  105,267,200 at most (2,048 each)",
        # a bucket table for one of the four k has 8,000 rows
        "subsets        32,000 (k=4: 10, k=8: 10, k=16: 10, k=32: 10 of each pool)",
    ]


@pytest.mark.parametrize(("n", "k", "replicates"), [(4, 2, 6), (4, 2, 5), (4, 4, 3), (5, 1, 5)])
def test_small_pools_are_enumerated(n, k, replicates):
    values = [
        f"generation.n={n}", f"measure.k=[{k}]", f"measure.replicates={replicates}",
        "generation.temperatures=[0.3, 0.7, 1]",
    ]  # fmt: skip
    every = len(list(combinations(range(n), k)))
    count = f"all {every}" if every <= replicates else replicates
    assert size_estimate(load_experiment(TEST, values), 3).splitlines()[-1] == (
        f"subsets        {3 * 3 * min(every, replicates)} (k={k}: {count} of each pool)"
    )


def test_the_description_names_all_sizes():
    values = [
        "generation.n=4", "measure.k=[2, 4]", "generation.temperatures=[0.3, 0.7, 1]",
        "generation.max_tokens=512", "measure.replicates=10",
    ]  # fmt: skip
    text = size_estimate(load_experiment(TEST, values), 1000)
    assert text.splitlines() == [
        "problems       1,000",
        "pools          3,000 (x 3 temperatures)",
        "requests       13,000 (x 4 samples + 1,000 greedy)",
        "output tokens  6,656,000 at most (512 each)",
        "subsets        21,000 (k=2: all 6, k=4: all 1 of each pool)",
    ]


def test_bytes_by_hand():
    """12 problems, 2 temperatures, 8 samples and one greedy each; 5 subsets of either size."""
    experiment, tokens = load_experiment(TEST), 1000
    plain = disk_bytes(experiment, 12, tokens, embedded=False, tracked=False)
    assert plain == 3_000_000 + 204 * 60 + 1000 * 7 + 24 * 10 * 80
    embedded = disk_bytes(experiment, 12, tokens, embedded=True, tracked=False)
    assert embedded == plain + 204 * 384 * 4
    tracked = disk_bytes(experiment, 12, tokens, embedded=True, tracked=True)
    assert tracked == 2 * embedded - 3_000_000 + 1_000_000
    entropies = load_experiment(TEST, ["generation.logprobs=20"])
    more = disk_bytes(entropies, 12, tokens, embedded=False, tracked=False)
    assert more == plain + 1000 * 4


def test_samples_take_the_bytes_that_the_reference_run_has():
    """Its texts repeat one another: 1,470 samples are 584 texts, so that the bytes are at most."""
    run = Run(ROOT / "results" / "reference")
    tokens = int(run.samples["num_output_tokens"].sum())
    tables = ("samples", "scores", "subsets", "expectations", "mixed", "pruned", "split")
    files = [path for name in tables for path in (run.root / name).glob("*.parquet")]
    real = sum(path.stat().st_size for path in files)
    said = disk_bytes(run.experiment, 30, tokens, embedded=False, tracked=False) - 3_000_000
    assert said / 2 < real < said


def test_a_long_line_is_broken():
    lines = time_line(10**9, 20.0, "assumed of 8 billion parameters on 2 x CPU core; a first run "
                      "measures it").splitlines()  # fmt: skip
    assert lines[0].startswith("time           578 d 16 h at most to draw, at 20 tokens/s (assumed")
    assert max(map(len, lines)) <= 100
    assert lines[1].startswith(" " * 15)


def test_conditions_are_named_with_their_settings_up_to_twelve():
    assert condition_lines(load_experiment(TEST)) == []  # temperatures alone are said already
    grid = "generation.grid={temperature: [1, 2], min_p: [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6]}"
    given = ["generation.temperatures=[]", "generation.models={other: {dtype: float32}}", grid]
    lines = condition_lines(load_experiment(TEST, given))
    assert lines[0] == "conditions     T1           temperature 1, min_p 0"
    assert lines[11] == "               T2-min_p0.4  temperature 2, min_p 0.4"
    assert lines[12] == "               and 2 more"
    assert lines[13:] == ["not used       models of no condition: other"]
    given[-1] = f"generation.grid={{temperature: [1], top_k: {[*range(1, 14)]}}}"
    lines = condition_lines(load_experiment(TEST, given))
    assert lines[12] == "               T1-top_k13  temperature 1, top_k 13"  # and not "and 1 more"


def test_an_option_that_a_condition_leaves_to_the_engine_is_not_set():
    cells = "[{temperature: 1, engine.seconds_per_sample: 0}, {temperature: 1}]"
    given = ["generation.temperatures=[]", f"generation.conditions={cells}"]
    _, line = condition_lines(load_experiment(TEST, given))
    assert line.endswith("temperature 1, engine.seconds_per_sample not set")


def test_tokens_are_those_of_each_condition():
    given = ["generation.n=4", "generation.temperatures=[1]", "measure.k=[2]"]
    grid = "generation.grid={max_tokens: [10, 30]}"
    experiment = load_experiment(TEST, [*given, grid, "generation.greedy=false"])
    assert tokens_of(experiment, 3) == 3 * 4 * (10 + 30)
    assert tokens_of(experiment, 3, ["T1-max_tokens30"]) == 3 * 4 * 30
