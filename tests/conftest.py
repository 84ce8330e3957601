"""What the tests share: a fast command line, experiment files, and one finished run."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

ROOT = Path(__file__).parent.parent

# No hub, no account, and one thread: the zygote forks, which threads of its own would not survive.
QUIET = {
    "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false",
    "PYTHONPATH": str(ROOT),
}  # fmt: skip

NO_FIGURES = "from analysis.figures import FIGURES; FIGURES.clear()\n"

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


@dataclass
class Child:
    """A command line that is running, or has ended with ``code``."""

    cli: "CommandLine"
    pid: int
    folder: Path
    code: int | None = None

    @property
    def out(self):
        return (self.folder / "out").read_text()

    @property
    def err(self):
        return (self.folder / "err").read_text()

    def wait(self):
        if self.code is None:
            self.code = self.cli.ask({"wait": self.pid})
        return self

    def stop(self, number=signal.SIGKILL):
        """Send a signal and wait for the end."""
        os.kill(self.pid, number)
        return self.wait()

    def until(self, there, seconds=60):
        """Wait until ``there()`` is true, while it runs."""
        end = time.monotonic() + seconds
        while not there():
            assert time.monotonic() < end, f"waited {seconds} s in vain; stderr: {self.err}"
            time.sleep(0.002)
        return self

    def refuses(self, *words, code=1):
        """Check that it ended in an error of a few clear lines which say all of ``words``."""
        self.wait()
        assert self.code == code, self.err
        assert "Traceback" not in self.err
        assert self.err.count("\nerror: ") + self.err.startswith("error: ") == 1, self.err
        told = self.err[self.err.index("error: ") :]
        assert len(told.strip().splitlines()) <= 3, told
        for word in words:
            assert word in told
        return told


class CommandLine:
    """Starts command lines as processes of their own, by way of ``zygote.py``."""

    def __init__(self, folder):
        self.folder = folder
        self.children = []
        env = {k: v for k, v in os.environ.items() if not k.startswith("WANDB_")} | QUIET
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "tests" / "zygote.py")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder, env=env,
        )  # fmt: skip
        assert json.loads(self.process.stdout.readline()) == "ready"

    def ask(self, request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def start(self, *args, before="", cwd=None, figures=False):
        """Start ``workbench *args``; ``before`` is Python to run first in the child.

        Without ``figures`` the report draws none: they are most of the time of a small run.
        """
        before = ("" if figures else NO_FIGURES) + before
        folder = self.folder / f"child-{len(self.children)}"
        folder.mkdir()
        (folder / "err").touch()
        request = {
            "args": [str(arg) for arg in args], "before": before, "cwd": str(cwd or self.folder),
            "out": str(folder / "out"), "err": str(folder / "err"),
        }  # fmt: skip
        self.children.append(Child(self, self.ask(request), folder))
        return self.children[-1]

    def __call__(self, *args, **options):
        """Run ``workbench *args`` to its end."""
        return self.start(*args, **options).wait()

    def must(self, *args, **options):
        """Run ``workbench *args``, which has to succeed."""
        child = self(*args, **options)
        assert child.code == 0, child.err
        return child

    def close(self):
        for child in self.children:
            if child.code is None:  # of a test that failed
                child.stop()
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(timeout=30)


@pytest.fixture(scope="session")
def cli(tmp_path_factory):
    command_line = CommandLine(tmp_path_factory.mktemp("cli"))
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
    """

    def make(golds, samples, **changes):
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
            "generation__greedy": False, "measure__k": [2],
        }  # fmt: skip
        path = write_experiment(home / "experiment.yaml", **(defaults | changes))
        cli.must("run", path, "--out", home / "run", before=DRAW.format(samples=samples))
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
                    "num_output_tokens", "cumulative_logprob", "mean_logprob", "mean_entropy",
                ):  # fmt: skip
                    del row[derived]
                found[key_of(row)] = json.dumps(row, sort_keys=True)
        for path in (folder / "samples").glob("block-*.journal"):
            whole, _, _ = path.read_bytes().rpartition(b"\n")
            for line in whole.splitlines():
                row = json.loads(line[9:])
                row.pop("num_output_tokens")
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
def finished(cli, tmp_path_factory):
    """(experiment file, folder) of a finished run, in blocks of 4 problems; not to be changed."""
    home = tmp_path_factory.mktemp("finished")
    path = write_experiment(home / "experiment.yaml")
    blocks_of(home / "run", 4)
    cli.must("run", path, "--out", home / "run", figures=True)
    return path, home / "run"


@pytest.fixture(scope="session")
def embedded(cli, tmp_path_factory):
    """As ``finished``, with embeddings and all that is made of them."""
    home = tmp_path_factory.mktemp("embedded")
    metrics = ["avg_log_prob", "num_tokens", "cos_sim", "distinct_2", "dpp", "qual_dpp"]
    path = write_experiment(
        home / "experiment.yaml", measure__metrics=metrics, measure__replicates=10,
        selection__aggregators=["maj", "best", "weighted", "sem_mbr", "lex_mbr"],
    )  # fmt: skip
    blocks_of(home / "run", 4)
    cli.must("run", path, "--out", home / "run", figures=True)
    return path, home / "run"


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
