"""The processes that compare answers are stopped: by Ctrl-C as they start, or by what ends them."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures.process import BrokenProcessPool

import pytest
from pebble.pool.process import PoolManager

from workbench.tasks import answer_checking
from workbench.tasks.answer_checking import Comparer
from workbench.tasks.checkers import CHECKERS

COMPARE = r"""
import sys
from workbench.cli.exit_codes import exit_code_of
from workbench.tasks.answer_checking import Comparer
from workbench.tasks.checkers import CHECKERS
def compare():
    with Comparer(CHECKERS["math"], 2) as comparer:
        comparer.run([(r"\frac{x+1}{2}", [r"(x+1)/2", r"x/2+1/2"])] * 3)
if __name__ == "__main__":
    print("ready", flush=True)
    sys.exit(exit_code_of(compare))
"""


@pytest.mark.parametrize("wait", [0.1, 0.5])  # in both, the server of the workers is importing
def test_no_process_prints_a_traceback(wait):
    child = subprocess.Popen(
        [sys.executable, "-c", COMPARE], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, start_new_session=True, env=os.environ,
    )  # fmt: skip
    assert child.stdout.readline() == "ready\n"
    time.sleep(wait)
    os.killpg(child.pid, signal.SIGINT)  # as a terminal does
    _, err = child.communicate(timeout=60)
    assert "Traceback" not in err
    assert child.returncode == 130


def test_a_comparison_that_is_handed_out_while_the_pool_breaks_is_not_waited_for(monkeypatch):
    def break_first(manager, task):  # what pebble does where a worker ends between two tasks
        manager.handle_broken_pool(BrokenProcessPool("all workers expired"))
        manager.task_manager.register(task)

    monkeypatch.setattr(PoolManager, "schedule", break_first)
    monkeypatch.setattr(answer_checking, "LOOK_SECONDS", 0.1)
    with (
        Comparer(CHECKERS["math"], 2) as comparer,
        pytest.raises(ValueError, match="compare answers, or they were ended from outside"),
    ):
        comparer.run([(r"\frac{x+1}{2}", ["(x+1)/2"])])


def test_the_example_needs_a_worker():
    assert CHECKERS["math"].quick(r"\frac{x+1}{2}", r"(x+1)/2") is None
    assert answer_checking.PRELOADED == "workbench.tasks.math_worker"
