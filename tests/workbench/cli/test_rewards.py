import dataclasses
import inspect

from workbench.cli.rewards import train_reward
from workbench.reward_training.options import Training


def test_every_setting_of_a_training_is_an_option_with_its_default():
    options = inspect.signature(train_reward).parameters
    fields = {field.name: field.default for field in dataclasses.fields(Training)}
    assert {name: options[name].default for name in options if name in fields} == fields
    assert set(options) == {*fields, "runs", "out"}


def test_a_setting_that_cannot_be_is_refused_before_anything_is_read(cli, tmp_path):
    for option, value, words in (
        ("--lr", "0", "lr must be more than 0, got 0"),
        ("--epochs", "nan", "epochs must be more than 0, got nan"),
        ("--batch-size", "-1", "batch_size must be more than 0, got -1"),
        ("--dtype", "int8", "unknown dtype 'int8' (known: auto, float32, bfloat16)"),
        ("--test", "0.9", "validation and test are shares of the problems"),
    ):
        child = cli("train-reward", tmp_path / "no-run", "--out", tmp_path / "out", option, value)
        child.refuses(words)
    cli("train-reward", tmp_path / "no-run", "--out", tmp_path / "out").refuses("is not a run")
    assert not (tmp_path / "out").exists()
