"""Libraries that take seconds to import, imported by the worker that runs a test which uses them.

Every worker imports every file of tests, to know what there is to run.
"""

import importlib
import os
import warnings
from functools import cached_property
from importlib.util import find_spec

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")


def needs(*names):
    """Skip all tests of a file where a package is not installed."""
    for name in names:
        if find_spec(name) is None:
            pytest.skip(f"{name} is not installed", allow_module_level=True)


class Lazy:
    """A module that is imported when it is first used; its warnings at import are not ours."""

    def __init__(self, name):
        self._name = name

    @cached_property
    def module(self):
        """The module itself, for what a test changes in it."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(self._name)

    def __getattr__(self, attribute):
        if attribute.startswith(("__", "_mock_")):  # pytest asks every name whether it is a test
            raise AttributeError(attribute)
        return getattr(self.module, attribute)
