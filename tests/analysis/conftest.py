"""A run in which three factors vary, and one whose answers are programs."""

import json

import pytest

from tests.conftest import write_experiment

FACTORS = "[{temperature: [0.5, 1.5], min_p: [0, 0.1], prompt: [default, brief]}]"


@pytest.fixture(scope="session")
def crossed(cli, finished, made_once):
    """Folder of a finished run of 2 temperatures x 2 values of min_p x 2 prompts; and greedy."""

    def fill(home):
        settings = [
            "generation.temperatures=[]", f"generation.grid={FACTORS}", "generation.n=4",
            "task.prompts={brief: {system: Be brief.}}", "measure.k=[2, 4]",
            "measure.metrics=[num_tokens, distinct_1]", "tracking.mode=disabled",
        ]  # fmt: skip
        changes = [word for setting in settings for word in ("--set", setting)]
        cli.must("run", finished[0], "--out", home / "run", *changes, tables=True)

    return made_once("crossed by three factors", fill) / "run"


PROGRAM_PROBLEMS = [
    {
        "task_id": "double", "entry_point": "double", "tests": ["assert double(3) == 6"] * 2,
        "prompt": "def double(n):\n    '''Twice n: double(2) is 4.'''\n",
    },
    {
        "task_id": "first", "entry_point": "first",
        "tests": ["assert first([4, 5]) == 4", "assert first([1]) == 1"],
        "prompt": "def first(items):\n    '''The first of some items.'''\n",
    },
]  # fmt: skip
PROGRAM_SAMPLES = [
    ["    return 2 * n", "    return n + n", "    return n * n", "    return n ** 2", "    retu(",
     "    return 1 / 0"],
    ["    return items[0]", "    return items[-1]", "    return min(items)", "    x = 1", "", "?"],
]  # fmt: skip


@pytest.fixture(scope="session")
def of_programs(cli, made_once):
    """Folder of a finished run whose answers are programs: of two problems, one without calls."""

    def fill(home):
        lines = "".join(json.dumps(one) + "\n" for one in PROGRAM_PROBLEMS)
        (home / "problems.jsonl").write_text(lines)
        path = write_experiment(
            home / "experiment.yaml",
            task={"name": "code", "source": str(home / "problems.jsonl"), "prompt": "completion",
                  "options": {"inputs": 8}},
            generation__temperatures=[1.0], generation__n=6, generation__greedy=False,
            scoring={"rewards": ["likelihood", "partial"]},
            measure__metrics=["num_tokens", "answer_entropy", "num_answers"], measure__k=[2],
            selection__aggregators=["maj", "exec_mbr"],
        )  # fmt: skip
        ids = [one["task_id"] for one in PROGRAM_PROBLEMS]
        samples = dict(zip(ids, PROGRAM_SAMPLES, strict=True))
        draw = DRAW_PROGRAMS.format(samples=samples)
        tables = ("behaviour",)
        cli.must("run", path, "--out", home / "run", before=draw, tables=tables)

    return made_once("of programs", fill) / "run"


DRAW_PROGRAMS = """
import workbench.generate.replay as replay
samples = {samples!r}
def draw(request, settings):
    text = samples[request.problem_id][request.sample_index]
    return request.sampled(text, "stop", (1, 2), (-0.5, -0.5))
replay._draw = draw
"""
