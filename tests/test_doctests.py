"""The examples in docstrings run, and give what they say."""

import doctest
import importlib
from pathlib import Path

import pytest

from tests.test_house import SOURCES, module_of
from workbench.core.name_table import NOT_LOADED

ROOT = Path(__file__).parents[1]
WITH_EXAMPLES = [
    module_of(path).removesuffix(".__init__")
    for path in SOURCES
    if ">>>" in path.read_text(encoding="utf-8")
]


TRAINS = "workbench.reward_training.finetune"
"""Its example trains a model, which takes longer than all others together."""


@pytest.mark.parametrize("module", [module for module in WITH_EXAMPLES if module != TRAINS])
def test_the_examples_of_a_module_run(module, monkeypatch):
    monkeypatch.chdir(ROOT)  # an example may read results/reference
    NOT_LOADED.clear()  # plug-ins of runs that other tests have opened
    found = doctest.testmod(importlib.import_module(module))  # prints what differs
    assert found.attempted, "no docstring holds the example"
    assert found.failed == 0


def test_the_examples_of_a_module_that_trains_run(monkeypatch):
    assert TRAINS in WITH_EXAMPLES
    test_the_examples_of_a_module_run(TRAINS, monkeypatch)
