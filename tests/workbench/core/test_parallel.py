"""Work in several processes: the same results, and an end as clean as that of one."""

import math
import operator
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from pebble.pool.channel import WorkerChannel
from pebble.pool.process import PoolManager

from workbench.core import parallel
from workbench.core.parallel import spread
from workbench.storage.lock import locked

ROOT = Path(__file__).parents[3]
MEASURED = ("subsets", "split")
ANALYSED = ("outcomes", "expectations", "mixed", "pruned")


def children():
    """The workers of this process."""
    family = psutil.Process().children()
    return [one for one in family if any("spawn_main" in word for word in one.cmdline())]


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("count", [0, 1, 20])
def test_results_come_in_the_order_of_the_tasks(workers, count):
    assert list(spread(operator.neg, range(count), workers)) == [-i for i in range(count)]
    assert not children()


def test_results_come_as_soon_as_they_are_there_and_the_rest_is_ended():
    start = time.monotonic()
    with closing(spread(time.sleep, [0, 600, 600], 2)) as results:
        assert next(results) is None
        assert len(children()) == 2
    assert time.monotonic() - start < 30
    assert not children()


def test_one_worker_does_one_task_after_another_here():
    results = spread(time.sleep, [0, 600], 1)
    assert next(results) is None
    results.close()


def test_an_error_in_a_worker_is_that_error_here():
    with pytest.raises(ValueError, match="math domain error"):
        list(spread(math.sqrt, [1.0, -1.0, 4.0], 2))
    assert not children()


@pytest.mark.parametrize(
    ("work", "task"), [(signal.raise_signal, signal.SIGKILL), (os._exit, 7)], ids=["kill", "exit"]
)
def test_a_worker_that_is_ended_from_outside_is_told(work, task):
    with pytest.raises(ValueError, match=r"ended from outside.*fewer --workers"):
        list(spread(work, [task, task], 2))
    assert not children()


def test_a_task_that_is_handed_out_while_the_pool_breaks_is_not_waited_for(monkeypatch):
    def break_first(manager, task):  # what pebble does where a worker ends between two tasks
        if task.payload.function is operator.neg:
            manager.handle_broken_pool(BrokenProcessPool("all workers expired"))
        manager.task_manager.register(task)
        manager.worker_manager.dispatch(task)

    monkeypatch.setattr(PoolManager, "schedule", break_first)
    monkeypatch.setattr(parallel, "LOOK_SECONDS", 0.1)
    with pytest.raises(ValueError, match=r"ended from outside.*fewer --workers"):
        list(spread(operator.neg, [1, 2, 3], 2))
    assert not children()


def test_workers_end_before_their_locks_go(monkeypatch):
    alive = []
    close = WorkerChannel.close
    monkeypatch.setattr(WorkerChannel, "close", lambda one: (alive.append(children()), close(one)))
    assert list(spread(operator.neg, [1, 2, 3], 2)) == [-1, -2, -3]
    assert alive == [[]]  # else one that is starting does not find them, and prints a traceback


def test_a_script_without_its_guard_is_told(tmp_path):
    path = tmp_path / "script.py"
    path.write_text(
        "import operator\nfrom workbench.core.parallel import spread\n"
        "print(list(spread(operator.neg, [1, 2], 2)), flush=True)\n"
    )
    done = subprocess.run(
        [sys.executable, str(path)], capture_output=True, text=True, timeout=60, check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert not done.stdout
    assert "ValueError: cannot start worker processes" in done.stderr
    assert "`if __name__ == " in done.stderr


SLOWLY = ("generation.n=32", "measure.k=[8, 16]", "measure.replicates=600")


@pytest.fixture(scope="module")
def scored(cli, finished, blocks, tmp_path_factory):
    """A run whose measuring takes seconds: blocks of 5, of 5 and of 2 problems."""
    folder = tmp_path_factory.mktemp("workers") / "run"
    blocks(folder, 5)
    changes = [word for change in SLOWLY for word in ("--set", change)]
    for stage in ("generate", "score"):
        cli.must(stage, finished[0], "--out", folder, *changes)
    return folder


@pytest.fixture
def run(scored, tmp_path):
    """A copy of it to measure."""
    return shutil.copytree(scored, tmp_path / "run")


def written(folder, *tables):
    """The bytes of every file of some tables."""
    return {
        f"{table}/{path.name}": path.read_bytes()
        for table in tables
        for path in (folder / table).glob("*")
    }


def test_tables_are_the_same_to_the_byte(cli, run, scored, tmp_path):
    by_one = shutil.copytree(scored, tmp_path / "by-one")
    for folder, workers in ((by_one, 1), (run, 2)):
        cli.must("measure", folder, "--set", "measure.replicates=20", "--workers", workers)
        cli.must("analyze", folder, "--workers", workers)
    expected = written(by_one, *MEASURED, *ANALYSED)
    assert len(expected) == 3 * len(MEASURED + ANALYSED)
    assert written(run, *MEASURED, *ANALYSED) == expected


def family_of(child):
    """The workers of a command line, and itself."""
    found = psutil.Process(child.pid).children(recursive=True)
    return [one for one in found if "spawn_main" in " ".join(one.cmdline())]


@pytest.mark.parametrize(
    ("number", "code", "wait"),
    [(signal.SIGINT, 130, 0), (signal.SIGINT, 130, 0.8), (signal.SIGTERM, 143, 1.6)],
)
def test_a_request_to_stop_reaches_everybody(cli, run, number, code, wait):
    child = cli.start("measure", run, "--workers", 2, "--set", "measure.replicates=50000")
    child.until(lambda: family_of(child))
    time.sleep(wait)
    family = family_of(child)
    for worker in family if number == signal.SIGINT else ():  # as Ctrl-C does
        worker.send_signal(number)
    child.stop(number)
    assert child.code == code
    assert child.err.strip().splitlines()[-1].startswith("stopped; what is finished is kept")
    assert "Traceback" not in child.err
    assert not psutil.wait_procs(family, timeout=10)[1]


def test_a_killed_worker_is_told_and_nothing_finished_is_lost(cli, run, scored, tmp_path):
    child = cli.start("measure", run, "--workers", 2)
    child.until(lambda: (run / "subsets").exists())  # in the middle of the second block
    for worker in family_of(child):
        worker.kill()
    child.refuses("worker process was ended from outside", "fewer --workers", "kept")
    kept = written(run, *MEASURED)
    assert kept
    undisturbed = shutil.copytree(scored, tmp_path / "undisturbed")
    for folder in (run, undisturbed):
        cli.must("measure", folder)
    expected = written(undisturbed, *MEASURED)
    assert set(kept.items()) <= set(expected.items())
    assert written(run, *MEASURED) == expected


def test_workers_end_with_a_process_that_is_killed(cli, run):
    child = cli.start("measure", run, "--workers", 2)
    child.until(lambda: len(family_of(child)) == 2)
    family = family_of(child)
    child.stop(signal.SIGKILL)
    assert not psutil.wait_procs(family, timeout=30)[1]
    with locked(run):  # which went with its holder
        pass


def test_a_damaged_file_is_named_out_of_a_worker(cli, run):
    part = run / "samples" / "block-00001.000.parquet"
    whole = part.read_bytes()
    part.write_bytes(whole[:100] + bytes(2000) + whole[2100:])
    child = cli("measure", run, "--workers", 2)
    child.refuses(part.name, "is damaged", "restore it from a copy")


def test_answers_are_compared_by_as_many_processes(cli, experiment, tmp_path):
    told = """
import workbench.score.graders as m
real = m.Comparer
m.Comparer = lambda checker, workers: (print("asked for", workers), real(checker, workers))[1]
"""
    cli.must("generate", experiment(), "--out", tmp_path / "run")
    child = cli.must("score", tmp_path / "run", "--workers", 3, before=told)
    assert child.out == "asked for 3\n"


def test_a_number_of_workers_is_at_least_one(cli, run):
    assert cli("measure", run, "--workers", 0).code == 2
