"""Finished runs of several factors, which tests of tables share."""

import json

import pytest

from tests.conftest import write_experiment
from workbench import load_run
from workbench.analysis.frames import Data

TABLES_OF_FACTORS = ("main_effects", "interactions", "matched_budget")


@pytest.fixture(scope="session")
def run_of(cli, made_once):
    """A function: a name and changes of the experiment -> the folder of the finished run."""

    def make(name, **changes):
        def fill(home):
            path = write_experiment(home / "experiment.yaml", **changes)
            cli.must("run", path, "--out", home / "run", tables=TABLES_OF_FACTORS)

        return made_once(name, fill) / "run"

    return make


@pytest.fixture(scope="session")
def crossed_run(run_of):
    """The folder of a run of two factors with two levels each, all combinations; not changed."""
    return run_of(
        "crossed",
        task__prompts={"brief": {"system": "Be brief, and give the number alone in the end."}},
        generation__temperatures=[1.0],
        generation__grid={"min_p": [0, 0.1], "prompt": ["default", "brief"]},
        generation__price={"input": 0.5, "output": 2.0},
    )


@pytest.fixture(scope="session")
def crossed(crossed_run):
    return Data(load_run(crossed_run))


@pytest.fixture(scope="session")
def unbalanced(run_of):
    """Four ways to cut the distribution, none of them combined, at two temperatures."""
    grid = [{}, {"top_p": [0.9]}, {"top_k": [40]}, {"min_p": [0.1]}]
    grid = [{"temperature": [0.5, 1.5], **cut} for cut in grid]
    folder = run_of("unbalanced", generation__temperatures=[], generation__grid=grid)
    return Data(load_run(folder))


@pytest.fixture(scope="session")
def confounded(run_of):
    """Three conditions in which two factors rise together."""
    cells = [
        {"name": "cold", "temperature": 0.5, "min_p": 0.0},
        {"name": "warm", "temperature": 1.0, "min_p": 0.1},
        {"name": "hot", "temperature": 1.5, "min_p": 0.2},
    ]
    folder = run_of("confounded", generation__temperatures=[], generation__conditions=cells)
    return Data(load_run(folder))


DRAW_TURNS = """
import workbench.generate.replay as replay
firsts, seconds = {firsts!r}, {seconds!r}
def draw(request, settings):
    texts = firsts if request.parent is None else seconds
    text, tokens = texts[int(request.problem_id[1:])][request.sample_index]
    if text is None:
        return request.sampled("", "error", error="made to fail")
    reason = "length" if text.endswith("...") else "stop"
    prompt = 10 if request.parent is None else 20
    logprobs = (-0.5,) * tokens
    return request.sampled(text, reason, (1,) * tokens, logprobs, num_prompt_tokens=prompt)
replay._draw = draw
"""


@pytest.fixture(scope="session")
def two_turns(cli, tmp_path_factory):
    """A function: known answers, first and second answers of each problem -> the finished run.

    An answer is (text, tokens); None for the text is an error row, and a text that ends with
    three dots was cut. A first prompt has 10 tokens, a second one 20.
    """

    def make(golds, firsts, seconds, tables, **changes):
        home = tmp_path_factory.mktemp("two-turns")
        lines = [
            json.dumps({"id": f"p{i}", "problem": f"Problem {i}?", "gold": gold}) + "\n"
            for i, gold in enumerate(golds)
        ]
        (home / "problems.jsonl").write_text("".join(lines))
        corrections = len(seconds[0]) // len(firsts[0])
        defaults = {
            "task": {"name": "math500", "source": str(home / "problems.jsonl"),
                     "prompt": "completion"},
            "generation__temperatures": [1.0], "generation__n": len(firsts[0]),
            "generation__greedy": False, "generation__turns": 2, "generation__max_failed": 1,
            "generation__corrections": corrections, "measure__k": [2],
            "measure__metrics": ["num_tokens"], "selection__aggregators": ["maj"],
        }  # fmt: skip
        path = write_experiment(home / "experiment.yaml", **(defaults | changes))
        draw = DRAW_TURNS.format(firsts=firsts, seconds=seconds)
        cli.must("run", path, "--out", home / "run", before=draw, tables=tables)
        return Data(load_run(home / "run"))

    return make
