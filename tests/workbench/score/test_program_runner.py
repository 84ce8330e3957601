"""Programs are run once, whatever happens: in the sandbox of this machine."""

import json

import pytest

from workbench.config.scoring_schema import Scoring
from workbench.sandbox.programs import Sandbox, Verdict
from workbench.sandbox.self_test import strongest_kind
from workbench.sandbox.zygotes import SandboxError
from workbench.score import program_runner
from workbench.score.behaviours import Calls
from workbench.score.program_runner import MOST_BROKEN, Job, ProgramRunner, clipped
from workbench.score.reference_solutions import check_solutions
from workbench.tasks.code_problems import CodeProblem

PROBLEM = CodeProblem(
    id="p", question="Double.", entry_point="double",
    tests="assert double(2) == 4\nassert double(0) == 0",
)  # fmt: skip
RIGHT = "def double(n):\n    return 2 * n\n"
WRONG = "def double(n):\n    return n\n"
CALLS = Calls(((3,),), ("double(3)",))


def job(program, calls=CALLS):
    return Job.of(program, PROBLEM, calls)


@pytest.fixture(autouse=True)
def _sandbox_here():
    try:
        strongest_kind()  # which is tried once, with a program of its own
    except SandboxError as fault:
        pytest.skip(str(fault))


@pytest.fixture
def counted(monkeypatch):
    """The programs that reached a sandbox."""
    seen, real = [], Sandbox.judge
    monkeypatch.setattr(
        Sandbox, "judge", lambda self, program, *rest: seen.append(program) or real(
            self, program, *rest
        ),
    )  # fmt: skip
    return seen


def test_each_program_is_run_once_and_never_again(counted, tmp_path):
    journal = tmp_path / "programs" / "block.journal"
    with ProgramRunner(Scoring(), 2) as runner:
        found = runner.run([job(RIGHT), job(WRONG), job(RIGHT)], journal)
        assert sorted(counted) == sorted([RIGHT, WRONG])
    assert [one.outcome for one in found] == ["passed", "failed", "passed"]
    assert (found[1].passed, found[1].total) == (1, 2)
    assert found[1].failures[0]["test"] == "double(2) == 4"
    with ProgramRunner(Scoring()) as again:
        kept = again.run([job(WRONG), job(RIGHT)], journal)
        assert again.kind is None  # no sandbox was needed
    assert len(counted) == 2
    assert [one.outcome for one in kept] == ["failed", "passed"]
    assert kept[0].failures == found[1].failures
    assert (again.kept, again.judged) == (2, 0)
    assert again.facts()["sandbox"] == runner.facts()["sandbox"]


def test_other_calls_tests_or_limits_are_another_job(counted, tmp_path):
    journal = tmp_path / "block.journal"
    with ProgramRunner(Scoring(), 1) as runner:
        runner.run([job(RIGHT)], journal)
        runner.run([job(RIGHT, Calls())], journal)
    other = {"limits": {"cpu_seconds": 2}}
    with ProgramRunner(Scoring(**other), 1) as runner:
        runner.run([job(RIGHT)], journal)
    assert len(counted) == 3


def test_what_could_not_be_run_is_not_kept_and_many_of_it_end_the_stage(monkeypatch, tmp_path):
    broken = Verdict(outcome="infrastructure", why="the zygote is gone")
    monkeypatch.setattr(Sandbox, "judge", lambda *_: broken)
    journal = tmp_path / "block.journal"
    jobs = [job(f"x = {n}") for n in range(MOST_BROKEN)]
    with ProgramRunner(Scoring(), 1) as runner:
        assert runner.run(jobs[1:], journal) == [broken] * (MOST_BROKEN - 1)
        assert runner.broken == MOST_BROKEN - 1
        assert journal.read_bytes() == b""
        with pytest.raises(ValueError, match="20 programs one after another could not be run"):
            runner.run(jobs, journal)


def test_a_sandbox_that_is_gone_is_counted_and_started_anew(monkeypatch):
    real, gone = Sandbox.judge, []

    def judge(self, program, *rest):
        if program == WRONG and not gone:
            gone.append(self.zygotes["candidate"].process.kill())
        return real(self, program, *rest)

    monkeypatch.setattr(Sandbox, "judge", judge)
    with ProgramRunner(Scoring(), 1) as runner:
        found = runner.run([job(RIGHT), job(WRONG), job("double = abs")], quiet=True)
    assert [one.outcome for one in found] == ["passed", "failed", "failed"]
    assert runner.facts()["restarts"] == 1


def test_no_sandbox_is_one_clear_message(monkeypatch):
    def none():
        raise SandboxError("no sandbox can run here: bubblewrap is not installed")

    monkeypatch.setattr(program_runner, "strongest_kind", none)
    with ProgramRunner(Scoring()) as runner, pytest.raises(ValueError, match="no sandbox can run"):
        runner.run([job(RIGHT)])


def test_without_a_sandbox_only_where_it_is_asked_for(counted, monkeypatch):
    monkeypatch.setattr(program_runner, "strongest_kind", lambda: pytest.fail("not asked for"))
    with ProgramRunner(Scoring(sandbox="unsafe"), 1) as runner:
        assert runner.run([job(RIGHT)])[0].outcome == "passed"
    assert runner.facts()["sandbox"] == ["unsafe"]


def test_long_outputs_are_known_by_what_they_hash_to():
    long = [{"value": "a" * 50_000, "changed": {}}, {"value": 1, "changed": {}}]
    one, other = (clipped(Verdict(outcome="passed", answers=a)) for a in (long, [long[0], None]))
    assert len(json.dumps(one.answers)) < 20_000
    assert one.answers[0] == other.answers[0]
    assert one.answers[1] == long[1]


def write(tmp_path, *solutions):
    path = tmp_path / "problems.jsonl"
    rows = [
        {"prompt": "Double.", "entry_point": "double", "tests": PROBLEM.tests, "task_id": f"p{n}"}
        | ({"solution": solution} if solution else {})
        for n, solution in enumerate(solutions)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def test_a_solution_that_fails_its_own_tests_is_named(tmp_path):
    from workbench.config.schema import TaskSettings

    def check(*solutions):
        check_solutions(TaskSettings(name="code", source=write(tmp_path, *solutions)), Scoring())

    check(RIGHT, None)
    said = r"task.source: 1 solution of 2 fail.* \(first: 'p1': failed, double\(2\) == 4: got 2, "
    with pytest.raises(ValueError, match=said):
        check(RIGHT, WRONG)
    check_solutions(TaskSettings(name="gsm8k"), Scoring())  # nothing to run, nothing is read


STACK = "class Stack:\n    def __init__(self): self.held = []\n"
STACK += (
    "    def push(self, one): self.held.append(one)\n    def pop(self): return self.held.pop()\n"
)


@pytest.mark.parametrize(
    ("about", "outcome"),
    [
        ({"solution": STACK, "question": "Write a stack."}, "passed"),
        ({"question": "class Stack:\n    pass\n"}, "passed"),
        # what a program makes a class by itself has no operators, with which it could judge itself
        ({"question": "Write a stack."}, "failed"),
    ],
)
def test_a_class_is_under_test_where_the_problem_says_so(about, outcome):
    problem = CodeProblem(
        id="s", entry_point="Stack", tests="s = Stack()\ns.push(5)\nassert s.pop() == 5", **about
    )
    with ProgramRunner(Scoring(), 1) as runner:
        (found,) = runner.run([Job.of(STACK, problem, Calls(((),), ("Stack()",)))])
    assert found.outcome == outcome
