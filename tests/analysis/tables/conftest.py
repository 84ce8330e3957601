"""Finished runs of several factors, which tests of tables share."""

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
