"""Runs that are stopped in the middle, made in this process."""

import json

import pytest

from tests.conftest import EXPERIMENT
from workbench.experiment import check_experiment
from workbench.generate.stage import generate
from workbench.storage.open_run import OpenRun


@pytest.fixture
def begun(tmp_path):
    """A function that draws so many samples of 12 problems in blocks of 4, and is stopped there."""

    def make(samples=None, killed=False, **changes):
        tree = json.loads(json.dumps(EXPERIMENT))
        tree["generation"] |= changes
        experiment = check_experiment(tree, (), "the test")
        root = tmp_path / "run"
        root.mkdir(exist_ok=True)
        path = root / "manifest.json"
        if not path.exists():
            path.write_text(json.dumps({"problems_per_block": 4}))
        run = OpenRun.of(root, experiment)
        drawn = 0

        def stop(values):
            nonlocal drawn
            drawn = values["generate/samples_drawn"]
            if samples is not None and drawn >= samples:
                raise KeyboardInterrupt

        try:
            generate(run, experiment, stop)
        except KeyboardInterrupt:
            if killed:
                held = json.loads(path.read_text())
                held["stages"]["generate"]["status"] = "running"
                path.write_text(json.dumps(held))
        return root

    return make
