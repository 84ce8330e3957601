"""Rewards are the tasks' own verdicts."""

import json

import numpy as np
import pytest

from workbench.config.schema import TaskSettings
from workbench.config.scoring_schema import Scoring
from workbench.core.types import Prompt, Request
from workbench.correction_training.problems import asked_problems
from workbench.correction_training.rewards import Rewarder

SUMS = TaskSettings(name="arithmetic", num_problems=2)


def sample(text, reason="stop", problem="p"):
    return Request(problem, 1.0, 0, Prompt(""), "", 0).sampled(text, reason, (1,), (-1.0,))


def test_answers_are_checked_as_everywhere():
    problems = asked_problems("task", SUMS)
    gold = problems[0].problem.gold
    texts = [rf"\boxed{{{gold}}}", f"The answer is {gold}.0", r"\boxed{123456}", "no idea"]
    samples = [*map(sample, texts), sample("", "error")]
    with Rewarder({"task": SUMS}, Scoring(), "binary") as rewarder:
        found = rewarder.rewards([problems[0]] * 5, samples)
        other = rewarder.rewards([problems[1]], [sample(texts[0])])
    np.testing.assert_array_equal(found, [1, 1, 0, 0, np.nan])  # what was not drawn is unknown
    assert other.tolist() == [0]


@pytest.fixture
def programs(tmp_path):
    row = {
        "task_id": "double", "entry_point": "double",
        "prompt": 'def double(n):\n    """Return twice n."""\n',
        "tests": ["assert double(0) == 0", "assert double(1) == 2", "assert double(2) == 4",
                  "assert double(3) == 6"],
    }  # fmt: skip
    path = tmp_path / "programs.jsonl"
    path.write_text(json.dumps(row) + "\n")
    return TaskSettings(name="code", source=str(path))


PROGRAM = "```python\ndef double(n):\n    return {}\n```"


@pytest.mark.parametrize(("reward", "half"), [("binary", 0.0), ("partial", 0.5)])
def test_programs_are_run_in_the_sandbox(programs, reward, half, capfd):
    (problem,) = asked_problems("code", programs)
    answers = ["2 * n", "2 * n if n < 2 else 0", "None", "2 * n"]
    samples = [sample(PROGRAM.format(answer)) for answer in answers]
    with Rewarder({"code": programs}, Scoring(), reward, workers=1) as rewarder:
        found = rewarder.rewards([problem] * 4, samples)
    assert found.tolist() == [1, half, 0, 1]
    assert "programs" not in capfd.readouterr().err  # a bar for each batch would hide the rest


def test_two_tasks_are_graded_each_by_its_own_rules(programs):
    asked = [*asked_problems("sums", SUMS)[:1], *asked_problems("code", programs)]
    gold = asked[0].problem.gold
    with Rewarder({"sums": SUMS, "code": programs}, Scoring(), "binary", workers=1) as rewarder:
        right = [sample(PROGRAM.format("n + n")), sample(rf"\boxed{{{gold}}}")]
        assert rewarder.rewards(asked[::-1], right).tolist() == [1, 1]
        assert rewarder.rewards(asked, right).tolist() == [0, 0]


def test_a_share_of_tests_needs_programs():
    with pytest.raises(ValueError, match=r"training\.reward: 'partial' .* arithmetic are no progr"):
        Rewarder({"task": SUMS}, Scoring(), "partial")
