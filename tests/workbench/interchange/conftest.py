"""What all tests of imports share."""

import pytest

from workbench.interchange import importer


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    """Half a second each to list the packages: another module's, tried there."""
    monkeypatch.setattr(importer, "environment", dict)
