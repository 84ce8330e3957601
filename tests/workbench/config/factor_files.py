"""Experiments with factors, made and refused without a file."""

import pytest

from workbench.experiment import ExperimentError, check_experiment


def checked(generation, prompts=None, overrides=()):
    """Return a sound experiment on sums with these settings of ``generation``."""
    task = {"name": "arithmetic", "num_problems": 3} | ({"prompts": prompts} if prompts else {})
    plain = {} if "model" in generation or "models" in generation else {"model": "replay"}
    settings = plain | {"backend": "replay", "n": 8} | generation
    tree = {
        "name": "factors", "task": task, "generation": settings,
        "measure": {"k": [2], "metrics": ["num_tokens"]}, "selection": {"aggregators": ["maj"]},
    }  # fmt: skip
    return check_experiment(tree, overrides, "factors.yaml")


def said(generation, prompts=None, overrides=()):
    """Return the message with which such an experiment is refused."""
    with pytest.raises(ExperimentError) as refused:
        checked(generation, prompts, overrides)
    return str(refused.value)
