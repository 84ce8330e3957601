"""Which blocks a step has to write, and that a table of other samples is refused."""

import pyarrow as pa
import pytest

from workbench.rewards.block_step import BlockStep, read_matching


def rows(*indices):
    count = len(indices)
    key = {"problem_id": ["p"] * count, "condition": ["T1"] * count, "temperature": [1.0] * count}
    return pa.table({**key, "sample_index": list(indices)})


@pytest.fixture
def step(open_run):
    """A function: what two blocks are made from -> their step."""

    def make(*made_from):
        return BlockStep(open_run(), "x", "rewards/x", dict(enumerate(made_from)))

    return make


def test_only_blocks_that_are_missing_damaged_or_changed_are_outdated(step, capsys):
    first = step("a", "b")
    assert first.outdated_blocks() == [0, 1]
    with first.running():
        first.write(0, rows(0))
    assert step("a", "b").outdated_blocks() == [1]
    with first.running():
        first.write(1, rows(0))
    assert step("a", "b").outdated_blocks() is None
    assert "x: up to date" in capsys.readouterr().err
    assert step("a", "c").outdated_blocks() == [1]
    path = first.run.block_path("rewards/x", 0)
    path.write_bytes(path.read_bytes()[:-20])
    assert step("a", "b").outdated_blocks() == [0]
    assert "is damaged and is made again" in capsys.readouterr().err


def test_a_step_that_was_interrupted_is_not_up_to_date(step):
    made = step("a")
    made.write(0, rows(0))
    with pytest.raises(ValueError, match="full"), made.running():
        raise ValueError("full")
    assert step("a").outdated_blocks() == []


def test_a_table_has_to_be_of_the_samples(step):
    made = step("a", "b")
    made.write(0, rows(0, 1))
    assert read_matching(made.run, "rewards/x", 0, rows(0, 1)).num_rows == 2
    with pytest.raises(ValueError, match="is missing; run `workbench score` first"):
        read_matching(made.run, "rewards/x", 1, rows(0, 1))
    with pytest.raises(ValueError, match="is of other samples"):
        read_matching(made.run, "rewards/x", 0, rows(1, 0))
