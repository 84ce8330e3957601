"""Comparisons in worker processes: each pair once, none can hang, crash or outlive the rest."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress

import psutil
import pytest

from tests.workbench.tasks.plain_clusters import cluster_answers
from workbench.tasks import answer_checking as checking
from workbench.tasks.answer_checking import Comparer
from workbench.tasks.checkers import CHECKERS, Checker
from workbench.tasks.math_answers import answers_equal

SLOW = '''
import os, re, signal, time

def equal(gold, answer):
    """What the answer says happens."""
    with open(os.environ["SEEN"], "a") as seen:
        seen.write(f"{gold} {answer} {os.getpid()}\\n")
    if answer == "regex":  # inside C code, holding the interpreter: no Python signal handler runs
        re.match("(a+)+$", "a" * 60 + "b")
    if answer == "deaf":
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
        time.sleep(600)
    if answer == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if answer == "hungry":
        bytes(64 << 30)
    if answer == "bug":
        raise KeyError("of its own")
    if answer.startswith("slow"):
        time.sleep(0.25)
    return gold == answer.lower()

def quick(gold, answer):
    return gold == answer or None
'''


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One server of workers for all these tests; the folder of the checker that it has imported."""
    folder = tmp_path_factory.mktemp("slow")
    (folder / "slowly.py").write_text(SLOW)
    (folder / "imported_once.py").write_text(f"import slowly, {checking.PRELOADED}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        path = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
        patch.setenv("PYTHONPATH", path)  # the server does not look at sys.path
        patch.setenv("SEEN", str(folder / "seen"))
        patch.setattr(checking, "PRELOADED", "imported_once")
        _restart_server()  # it has the environment of the time it was started
        yield folder
    sys.modules.pop("slowly", None)
    _restart_server()


@pytest.fixture
def slow(server):
    """A checker that the workers import from a file; ``seen()`` is what they were asked."""
    (server / "seen").write_text("")
    import slowly

    return Checker(str, slowly.equal, slowly.quick)


def _restart_server():
    from multiprocessing.forkserver import _forkserver

    _forkserver._stop()


@pytest.fixture
def seen(server):
    return lambda: [line.split() for line in (server / "seen").read_text().splitlines()]


def asked(comparer, *pairs):
    """The verdict on each pair, as a problem of its own."""
    found = comparer.run([(gold, [answer]) for gold, answer in pairs])
    return [verdicts[answer] for (verdicts, _), (_, answer) in zip(found, pairs, strict=True)]


def children():
    """The processes that compare; not the server that starts them, which stays."""
    found = psutil.Process().children(recursive=True)
    return [p for p in found if p.parent() and "forkserver" in " ".join(p.parent().cmdline())]


def test_each_pair_is_compared_once_whoever_asks_and_the_plain_ones_not_at_all(slow, seen):
    with Comparer(slow, workers=2) as comparer:
        pairs = [("a", "A"), ("b", "A"), ("a", "A"), ("a", "a")]
        assert asked(comparer, *pairs) == [True, False, True, True]
        assert sorted(line[:2] for line in seen()) == [["a", "A"], ["b", "A"]]
        assert asked(comparer, *pairs) == [True, False, True, True]
    assert len(seen()) == 4  # nothing is remembered: memory would grow over a stage


def test_all_of_a_problem_is_compared_in_one_process(slow, seen):
    problems = [(gold, [gold.upper(), None, "x", gold.upper(), "y"]) for gold in "abcdef"]
    with Comparer(slow, workers=2) as comparer:
        found = comparer.run(problems)
    assert found == [
        ({gold.upper(): True, "x": False, "y": False}, [0, -1, 1, 0, 2]) for gold in "abcdef"
    ]
    pairs = [tuple(line[:2]) for line in seen()]
    for gold in "abcdef":
        mine = {line[2] for line in seen() if gold in line[:2]}
        assert len(mine) == 1
        assert sum(gold in pair for pair in pairs) == 3


@pytest.mark.parametrize("death", ["regex", "deaf", "crash", "hungry"])
def test_a_pair_that_hangs_or_kills_costs_only_itself(slow, seen, monkeypatch, death):
    monkeypatch.setattr(checking, "SECONDS_PER_PAIR", 1)
    others = [("a", "A" * i) for i in range(1, 8)]
    start = time.monotonic()
    with Comparer(slow, workers=1) as comparer:  # the others stand behind it in one queue
        verdicts = asked(comparer, *others[:3], ("a", death), *others[3:])
    assert verdicts == [True, False, False, None, False, False, False, False]
    assert time.monotonic() - start < 8
    assert len(seen()) == 8  # none was asked twice
    if death != "hungry":
        assert len({line[2] for line in seen()}) == 2  # the worker was replaced


@pytest.mark.parametrize("death", ["regex", "deaf", "crash", "hungry"])
def test_a_pair_that_hangs_or_kills_in_the_middle_of_a_problem(slow, monkeypatch, death):
    monkeypatch.setattr(checking, "SECONDS_PER_PAIR", 1)
    answers = ["A", None, death, "c", "A"]
    with Comparer(slow, workers=2) as comparer:
        found = comparer.run([("a", answers), ("b", ["B", "c"])])
    assert found == [
        ({"A": True, death: None, "c": False}, [0, -1, 2, 1, 0]),
        ({"B": True, "c": False}, [0, 1]),
    ]


def test_what_a_problem_asks_beyond_its_time_is_asked_pair_by_pair(slow, seen, monkeypatch):
    monkeypatch.setattr(checking, "SECONDS_PER_PAIR", 2)  # two pairs are done in a fifth of that
    answers = [f"slow{i}" for i in range(5)]
    with Comparer(slow, workers=2) as comparer:
        assert comparer.run([("a", answers)])[0][0] == dict.fromkeys(answers, False)
    pairs = [tuple(line[:2]) for line in seen()]
    assert len(pairs) == len(set(pairs)) == 5 + 2 * 10  # with gold, and two ways with each other


def test_a_fault_of_the_checker_is_not_hidden(slow):
    with Comparer(slow, workers=1) as comparer, pytest.raises(KeyError, match="of its own"):
        asked(comparer, ("a", "bug"))


def test_the_memory_of_a_comparison_is_limited(slow, monkeypatch):
    monkeypatch.setattr(checking, "BYTES_PER_WORKER", 1 << 40)
    with Comparer(slow, workers=1) as comparer:
        assert asked(comparer, ("a", "A")) == [True]
        worker = children()[0]
        limit = worker.rlimit(psutil.RLIMIT_AS)[0]
    # The worker imports this module afresh, so it has the module's own limit.
    assert 2 << 30 < limit < 64 << 30


def test_no_process_is_started_for_what_is_plain_or_quick():
    with Comparer(CHECKERS["math"]) as comparer:
        pairs = [("13", "13"), ("13", "14"), ("18.00", "18"), (r"\frac12", r"\frac12")]
        assert asked(comparer, *pairs) == [True, False, True, True]
        assert comparer._pool is None
    with Comparer(CHECKERS["exact"]) as comparer:
        assert asked(comparer, ("a", "b")) == [False]
        assert comparer._pool is None


@pytest.mark.parametrize("leave", [None, KeyboardInterrupt])
def test_no_process_is_left_behind(slow, leave):
    try:
        with Comparer(slow, workers=2) as comparer:
            asked(comparer, ("a", "A"))
            assert len(children()) == 2
            if leave:
                comparer._schedule(("a", "regex"), None, checking.SimpleQueue())
                time.sleep(0.3)
                raise leave
    except KeyboardInterrupt:
        pass
    assert not children()


POOLS = [
    ["1/2", "0.5", None, r"\frac{1}{2}", "3", "0.50", "x+1", "1+x", "3.0"],
    ["(1,2)", "3", "(1, 2)", "4", None, r"50\%", "50", "0.5"],
    ["x=5", "5", "5.0", r"\text{five}"],
]


def test_what_is_found_does_not_depend_on_the_number_of_workers(server):
    canonical, equal = CHECKERS["math"].canonical, answers_equal
    expected = [cluster_answers(pool, canonical, equal) for pool in POOLS]
    problems = [("x + 1", [a and canonical(a) for a in pool]) for pool in POOLS]
    correct = [{a: equal(gold, a) for a in pool if a} for gold, pool in problems]
    for workers in (1, 3):
        with Comparer(CHECKERS["math"], workers) as comparer:
            assert comparer.run(problems) == list(zip(correct, expected, strict=True))
            assert comparer._pool is not None
            unknown = comparer.run([(None, pool) for _, pool in problems])
            assert unknown == [({}, clusters) for clusters in expected]
            assert comparer.run([]) == []
    assert expected[0] == [0, 0, -1, 0, 2, 0, 1, 1, 2]
    assert correct[0]["1+x"] is True


HOME = """
import json, sys
from workbench.tasks.answer_checking import Comparer
from workbench.tasks.checkers import CHECKERS
def main():
    with Comparer(CHECKERS["math"], 2) as comparer:
        print(json.dumps(comparer.run([("x+1", ["1+x", "2"])])[0][0]), flush=True)
        if "wait" in sys.argv:
            import time
            time.sleep(600)
"""


def script(tmp_path, ending, *args):
    path = tmp_path / "script.py"
    path.write_text(HOME + ending)
    return subprocess.Popen(
        [sys.executable, str(path), *args],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": os.getcwd()},
    )  # fmt: skip


def test_from_a_script_without_its_guard_an_error_that_names_it(tmp_path):
    quick = "import workbench.tasks.answer_checking as m\nm.PRELOADED = 'json'\n"
    out, err = script(tmp_path, quick + "main()\n").communicate(timeout=60)
    assert not out
    assert re.search(r"ValueError: cannot start the processes .* `if __name__ == ", err)


def test_from_a_process_without_a_file_as_a_notebook_is(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", HOME + "main()\n"], capture_output=True, text=True, timeout=60,
        env=os.environ | {"PYTHONPATH": os.getcwd()}, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout) == {"1+x": True, "2": False}
    assert not done.stderr


def test_workers_of_a_script_end_with_it_when_it_is_killed(tmp_path):
    child = script(tmp_path, 'if __name__ == "__main__":\n    main()\n', "wait")
    assert json.loads(child.stdout.readline()) == {"1+x": True, "2": False}
    family = psutil.Process(child.pid).children(recursive=True)
    assert len(family) >= 3  # two workers and their server
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()
    assert not psutil.wait_procs(family, timeout=10)[1]


ENDLESS = """
import workbench.generate.replay as m
m._draw = lambda request, settings: request.sampled(
    r'\\boxed{9^{9^{9^9}} + %d}' % request.sample_index, 'stop', (1,), (-1.0,))
"""


@pytest.fixture
def endless(cli, experiment, tmp_path):
    """Start a run whose answers take for ever to compare, after some code."""
    source = tmp_path / "problems.jsonl"
    source.write_text(json.dumps({"problem": "?", "gold": "2"}) + "\n")
    path = experiment(
        task={"name": "math500", "source": str(source), "prompt": "completion"},
        generation__greedy=False, generation__temperatures=[1.0], selection__aggregators=["maj"],
    )  # fmt: skip
    return lambda code="": cli.start("run", path, "--out", tmp_path / "run", before=ENDLESS + code)


def test_a_run_that_is_stopped_while_it_starts_a_worker(endless):
    # Between asking for the process and telling it what to do, which it would print a traceback of.
    child = endless(f"""
import multiprocessing.forkserver as server, os, time
connect = server.connect_to_new_process
def stopped_in_between(fds):
    there = connect(fds)
    print("server:", server._forkserver._forkserver_pid, flush=True)
    os.kill(os.getpid(), {int(signal.SIGTERM)})
    time.sleep(0.1)
    return there
server.connect_to_new_process = stopped_in_between
""").wait()
    assert child.code == 143
    with suppress(psutil.NoSuchProcess):  # it ends after all that it has started
        psutil.Process(int(re.search(r"server: (\d+)", child.out)[1])).wait(10)
    assert "Traceback" not in child.err
    assert child.err.strip().splitlines()[-1].startswith("stopped; what is finished is kept")


def test_a_run_that_is_stopped_in_the_middle_of_a_comparison(endless):
    child = endless()
    family = []

    def comparing():
        family[:] = psutil.Process(child.pid).children(recursive=True)
        return len(family) >= 3  # one that starts workers, one that cleans up, and a worker

    child.until(comparing)
    start = time.monotonic()
    child.stop(signal.SIGINT)
    assert time.monotonic() - start < 5
    assert child.code == 130
    assert "Traceback" not in child.err
    assert child.err.strip().splitlines()[-1].startswith("stopped; what is finished is kept")
    assert not psutil.wait_procs(family, timeout=10)[1]


def test_a_problem_has_its_time_and_the_rest_is_counted(server, monkeypatch):
    monkeypatch.setattr(checking, "SECONDS_PER_PROBLEM", 1)
    sums = [rf"\sum_{{n=2}}^{{\infty}} \frac{{1}}{{n \ln^{power} n}}" for power in range(2, 40)]
    start = time.monotonic()
    with Comparer(CHECKERS["math"], workers=1) as comparer:
        ((verdicts, clusters),) = comparer.run([(r"\frac{\pi}{6}", [*sums, "2", r"\frac{\pi}{6}"])])
        assert comparer.given_up > len(sums)
    assert time.monotonic() - start < 30
    assert (verdicts["2"], verdicts[r"\frac{\pi}{6}"]) == (None, True) or verdicts["2"] is False
    assert None in verdicts.values()
    assert len(set(clusters)) == len(clusters) == 40


def test_many_distinct_answers_are_told_apart_without_asking_for_each_pair(server):
    answers = [rf"{a}\sqrt{{{b}}}" for a in range(1, 17) for b in (2, 3, 5, 7)]
    answers += [f"({a},{b})" for a in range(4) for b in range(4)] + [f"y={a}x" for a in range(9)]
    with Comparer(CHECKERS["math"], workers=1) as comparer:
        scheduled = []
        schedule = comparer._schedule
        comparer._schedule = lambda *job: (scheduled.append(job), schedule(*job))
        ((verdicts, clusters),) = comparer.run([(r"\sqrt{2}", answers)])
    assert len(set(clusters)) == len(answers)
    assert sum(verdicts.values()) == 1  # math-verify and 15 digits agree
    assert len(scheduled) < len(answers)
