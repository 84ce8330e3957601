"""The examples in docstrings run, and give what they say."""

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WITH_EXAMPLES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in sorted([*ROOT.glob("workbench/**/*.py"), *ROOT.glob("analysis/**/*.py")])
    if ">>>" in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_the_examples_of_a_module_run(module, monkeypatch):
    monkeypatch.chdir(ROOT)  # an example may read results/reference
    found = doctest.testmod(importlib.import_module(module))  # prints what differs
    assert found.attempted, "no docstring holds the example"
    assert found.failed == 0
