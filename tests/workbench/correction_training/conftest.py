"""The toy's tiny base model, made once, and parts of a training on it."""

import json

import pytest


@pytest.fixture(scope="session")
def toy_base(cli, made_once):  # with ``cli`` all tests that use it are marked slow
    """The folder of a tiny model that answers the toy's problems, and repeats itself."""
    from tests.correction_study.toy import make_base

    return made_once("toy-base", lambda folder: make_base(folder, 0))


@pytest.fixture(scope="session")
def opened():
    """A function: the file of an experiment -> the experiment."""
    from workbench.cli.open_experiment import open_experiment

    return lambda path: open_experiment(path, ())


@pytest.fixture
def trained(toy_base, opened, tmp_path):
    """A function of settings that trains on the toy; returns the folder and what it says."""
    from tests.correction_study.toy import write_toy
    from workbench.correction_training.train import train_correction

    def train(seed=0, name="out", base=None, **settings):
        path = write_toy(tmp_path, base or toy_base, seed, **settings)
        train_correction(opened(path), tmp_path / name, lambda *drawn: None)
        return tmp_path / name, json.loads((tmp_path / name / "training.json").read_text())

    return train


@pytest.fixture
def curves_of():
    """A function: folder -> the lines of its curves, without what a clock told."""

    def read(folder):
        lines = [json.loads(line) for line in (folder / "curves.jsonl").read_text().splitlines()]
        return [{k: v for k, v in line.items() if k != "seconds"} for line in lines]

    return read
