"""What the tests of steps with a model share: what such a step leaves and tells."""

import pandas as pd
import pyarrow.parquet as pq
import pytest

KEY = ["problem_id", "temperature", "sample_index"]
TOLD = """
import time
import workbench.rewards.{module} as module
real = module.Journal.add
def add(self, entry):
    real(self, entry)
    if not isinstance(entry, dict):
        return  # a sample
    time.sleep({seconds})
    with open({path!r}, "a") as file:
        print(entry["text"], file=file)
module.Journal.add = add
"""


@pytest.fixture
def telling(tmp_path):
    """A function: a module, seconds -> code by which its step tells each text, and takes so long.

    It is told to ``told`` in the test's folder, which the workbench knows nothing of.
    """

    def code(module, seconds=0):
        return TOLD.format(module=module, seconds=seconds, path=str(tmp_path / "told"))

    return code


@pytest.fixture(scope="session")
def left_in():
    """A function: a run's folder and a table of it -> its rows by the key of the sample."""

    def read(folder, table):
        paths = sorted((folder / table).glob("*.parquet"))
        frames = [pq.read_table(path).to_pandas() for path in paths]
        return pd.concat(frames).set_index(KEY).sort_index()

    return read
