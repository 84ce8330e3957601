"""What the tests share: a fast command line, experiment files, and one finished run."""

import fcntl
import gc
import json
import os
import shutil
import sys
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import settings

from tests.command_line import ENGINE_MODULES, CommandLine

# One thread each, also of an engine: on a busy machine several wait for one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("VLLM_CPU_OMP_THREADS_BIND", "nobind")

# Python keeps what it compiled, even where it is told not to: a test that starts a process would
# compile torch and transformers anew, which takes 20 seconds each time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# The same examples everywhere, however slow the machine is.
settings.register_profile("tests", derandomize=True, deadline=None)
settings.load_profile("tests")

ROOT = Path(__file__).parent.parent

SLOW_FIXTURES = {"cli", "browser", "make_model", "networks"}
"""They start a process or load a model. A test that uses one of them, or any fixture made with it,
is marked ``slow``."""

SLOW_FILES = {
    "test_all_exports.py", "test_answer_checking.py", "test_app.py", "test_dashboard.py",
    "test_factor_coverage.py", "test_lora.py", "test_losses.py",
    "test_finetune.py", "test_hf_forced.py", "test_hf_model.py", "test_hf_scoring.py",
    "test_answer_checking_stopped.py", "test_flops_counted.py", "test_gguf_conversion.py",
    "test_hidden_states.py", "test_inspect_log.py", "test_interval_coverage.py", "test_jit.py",
    "test_math_worker.py", "test_notebooks.py", "test_openai.py", "test_openai_probe.py",
    "test_orm_faults.py", "test_outcome_model.py", "test_outcome_prompt.py",
    "test_run_stages.py", "test_whole_run.py", "test_scoring_library.py", "test_second_model.py",
    "test_text_encoder.py", "test_train.py", "test_transformers.py",
}  # fmt: skip
"""All their tests are ``slow``, as are those with vLLM in the file's name: the files import a
library of models, start processes, or simulate for long. They are not even imported where slow
tests are not wanted."""

SLOW_TESTS = {
    "test_a_figure_is_saved_as_png_and_svg_and_always_the_same",
    "test_a_notebook_shows_it_without_a_network",
    "test_a_text_is_spelt_as_it_goes_on_from_its_prompt",
    "test_a_variable_has_one_value_and_two_have_two",
    "test_all_text_is_escaped_and_nothing_is_fetched", "test_by_hand",
    "test_no_flipped_bit_is_read_as_other_samples", "test_programs_are_run_in_the_sandbox",
    "test_no_pair_that_math_verify_finds_equal_is_plainly_different",
    "test_sets_are_drawn_as_dppy_draws_them", "test_two_tasks_are_graded_each_by_its_own_rules",
    "test_sets_are_drawn_in_proportion_to_their_determinants",
    "test_sets_far_larger_than_the_rank_do_not_underflow",
    "test_the_examples_of_a_module_that_trains_run",
    "test_it_makes_and_runs_an_experiment_elsewhere",
    "test_the_light_half_loads_nothing_heavy",
    "test_the_short_cut_for_numbers_is_math_verify_s_verdict",
    "test_the_whole_of_reasoning_gym_draws_the_same",
    "test_training_shows_both_parts_and_the_step_that_was_kept",
}  # fmt: skip
"""Slow ones in files that are not."""

EXPERIMENT = {
    "name": "tested",
    "task": {"name": "arithmetic", "num_problems": 12, "prompt": "completion", "few_shot": 1},
    "generation": {
        "model": "replay", "backend": "replay", "temperatures": [0.3, 1.0], "n": 8, "greedy": True,
        "max_tokens": 48,
    },
    "measure": {
        "k": [2, 4], "replicates": 5,
        "metrics": ["avg_log_prob", "num_tokens", "distinct_2", "distinct_texts"],
    },
    "selection": {"aggregators": ["maj", "best", "weighted", "lex_mbr"]},
    "analysis": {"resamples": 100},
    "tracking": {"mode": "disabled"},
}  # fmt: skip
"""Make-believe samples and no embeddings: a run takes a second or two."""


def of_engine(path):
    return "vllm" in path.name


def pytest_ignore_collect(collection_path, config):
    slow = collection_path.name in SLOW_FILES or of_engine(collection_path)
    return True if slow and config.option.markexpr == "not slow" else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark slow tests; with several workers, which take a file each, begin with the longest."""
    for item in items:
        named = item.path.name in SLOW_FILES or item.originalname in SLOW_TESTS
        if named or of_engine(item.path) or SLOW_FIXTURES & {*item.fixturenames}:
            item.add_marker("slow")
    if "PYTEST_XDIST_WORKER" in os.environ:
        slow = Counter(item.path for item in items if "slow" in item.keywords)
        items.sort(key=lambda item: (not of_engine(item.path), -slow[item.path]))


def pytest_collection_finish():
    """Keep the garbage collector from going through all imported modules time and again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Hand out whole files, and all those of engines to one worker, which imports vLLM once."""
    from xdist.scheduler import LoadFileScheduling

    class OneWorkerForEngines(LoadFileScheduling):
        def _split_scope(self, nodeid):
            file = super()._split_scope(nodeid)
            return "engines" if of_engine(Path(file)) else file

    return OneWorkerForEngines(config, log)


@pytest.fixture(scope="session")
def of_all_workers(tmp_path_factory):
    """A folder that all workers of these tests share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def made_once(of_all_workers, tmp_path_factory):
    """A function of a name and a function that fills a folder: this worker's copy of the folder.

    Only the first of all workers has it filled. Each has a copy of its own, as two processes
    cannot work on one run at a time.
    """

    def get(name, fill):
        made = of_all_workers / name
        with open(of_all_workers / f"{name}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not made.exists():
                begun = tmp_path_factory.mktemp(name)
                fill(begun)
                shutil.copytree(begun, of_all_workers / f"{name}.part", dirs_exist_ok=True)
                (of_all_workers / f"{name}.part").rename(made)
        own = tmp_path_factory.mktemp(f"own-{name}")
        shutil.copytree(made, own, dirs_exist_ok=True)
        return own

    return get


@pytest.fixture(scope="session")
def cli(of_all_workers, tmp_path_factory):
    command_line = CommandLine(tmp_path_factory.mktemp("cli"), of_all_workers)
    yield command_line
    command_line.close()


@pytest.fixture(scope="session")
def engine_cli(of_all_workers, tmp_path_factory):
    """Command lines that have imported vLLM, which takes half a minute."""
    folder = tmp_path_factory.mktemp("engine-cli")
    command_line = CommandLine(folder, of_all_workers, ENGINE_MODULES)
    yield command_line
    command_line.close()


def write_experiment(path, **changes):
    """Write EXPERIMENT with changes, as ``generation__n=4``; returns the path."""
    tree = json.loads(json.dumps(EXPERIMENT))
    for key, value in changes.items():
        place = tree
        *parts, last = key.split("__")
        for part in parts:
            place = place.setdefault(part, {})
        place[last] = value
    path.write_text(yaml.safe_dump(tree))
    return path


@pytest.fixture
def experiment(tmp_path):
    """A function that writes an experiment file with changes."""
    return lambda **changes: write_experiment(tmp_path / "experiment.yaml", **changes)


@pytest.fixture(scope="session")
def hand_made(cli, tmp_path_factory):
    """A function: {problem: [(gold, samples)]} -> folder of a run of just these samples.

    A sample is (text, mean log-probability, stop reason); problems are numbered p0, p1, ...
    ``stages`` are the commands that make it: all in one, or only those that a test looks at;
    ``tables`` those that it has, as of a command line.
    """

    def make(golds, samples, stages=("run",), tables=(), **changes):
        home = tmp_path_factory.mktemp("hand-made")
        lines = [
            json.dumps({"id": f"p{i}", "problem": f"Problem {i}?", "gold": gold}) + "\n"
            for i, gold in enumerate(golds)
        ]
        (home / "problems.jsonl").write_text("".join(lines))
        source = {
            "name": "math500", "source": str(home / "problems.jsonl"), "prompt": "completion",
            "last_number": False,
        }  # fmt: skip
        defaults = {
            "task": source, "generation__temperatures": [1.0], "generation__n": len(samples[0]),
            "generation__greedy": False, "measure__k": [2], "generation__max_failed": 1,
        }  # fmt: skip
        path = write_experiment(home / "experiment.yaml", **(defaults | changes))
        draw = DRAW.format(samples=samples)
        for stage in stages:
            child = cli(stage, path, "--out", home / "run", before=draw, tables=tables)
            assert child.code == 0 or "all failed" in child.err, child.err
        return home / "run"

    return make


DRAW = """
import workbench.generate.replay as replay
samples = {samples!r}
def draw(request, settings):
    text, logprob, reason = samples[int(request.problem_id[1:])][request.sample_index]
    if reason == "error":
        return request.sampled("", "error", error="made to fail")
    return request.sampled(text, reason, (1, 2), (logprob, logprob))
replay._draw = draw
"""


@pytest.fixture(scope="session")
def rows_of():
    """A function: folder -> every sample on disk as text, by key; read without the workbench."""

    def read(folder):
        found = {}
        for path in sorted((folder / "samples").glob("block-*.parquet")):
            for row in pq.ParquetFile(path).read().to_pylist():
                for derived in (
                    "num_output_tokens",
                    "cumulative_logprob",
                    "mean_logprob",
                    "mean_entropy",
                ):
                    del row[derived]
                found[key_of(row)] = json.dumps(row, sort_keys=True)
        for path in (folder / "samples").glob("block-*.journal"):
            whole, _, _ = path.read_bytes().rpartition(b"\n")
            for line in whole.splitlines():
                row = json.loads(line[9:])
                for left in ("num_output_tokens", "thought", "num_thought_tokens"):
                    row.pop(left)
                text = json.dumps(row, sort_keys=True)
                assert found.setdefault(key_of(row), text) == text
        return found

    return read


def key_of(row):
    return row["problem_id"], row["temperature"], row["sample_index"]


@pytest.fixture(scope="session")
def tables_of():
    """A function: folder -> the bytes of every table, by name."""
    return lambda folder: {p.name: p.read_bytes() for p in (folder / "tables").glob("*.csv")}


@pytest.fixture(scope="session")
def blocks():
    """A function that makes a run's folder whose blocks hold so many problems."""
    return blocks_of


@pytest.fixture(scope="session")
def finished(cli, made_once):
    """(experiment file, folder) of a finished run, in blocks of 4 problems; not to be changed."""

    def fill(home):
        path = write_experiment(home / "experiment.yaml")
        blocks_of(home / "run", 4)
        cli.must("run", path, "--out", home / "run", tables=True)

    home = made_once("finished", fill)
    return home / "experiment.yaml", home / "run"


@pytest.fixture(scope="session")
def embedded(cli, made_once):
    """As ``finished``, with embeddings and all that is made of them."""

    def fill(home):
        metrics = ["avg_log_prob", "num_tokens", "cos_sim", "distinct_2", "dpp", "qual_dpp"]
        path = write_experiment(
            home / "experiment.yaml", measure__metrics=metrics, measure__replicates=10,
            selection__aggregators=["maj", "best", "weighted", "sem_mbr", "lex_mbr"],
        )  # fmt: skip
        blocks_of(home / "run", 4)
        cli.must("run", path, "--out", home / "run", tables=True)

    home = made_once("embedded", fill)
    return home / "experiment.yaml", home / "run"


def blocks_of(folder, problems):
    """Make a run's folder whose blocks hold so many problems: several, even of a small run."""
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps({"problems_per_block": problems}))


@pytest.fixture
def copied(finished, tmp_path):
    """(experiment file, folder) of a finished run that a test may damage."""
    path, folder = finished
    shutil.copytree(folder, tmp_path / "run")
    return path, tmp_path / "run"


@pytest.fixture(scope="module")
def browser():
    """Chromium without a window, where there is one.

    Of one module only: as long as it is there, nothing else can run an event loop of its own.
    """
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium on this machine: pages are not opened")
    from playwright.sync_api import sync_playwright

    flags = "no-sandbox disable-gpu disable-quic no-first-run disable-sync"
    flags += " disable-background-networking disable-component-update"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=chromium, args=[f"--{flag}" for flag in flags.split()]
        )
        yield opened
        opened.close()
