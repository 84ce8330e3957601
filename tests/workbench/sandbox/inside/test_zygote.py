"""The process that forks becomes nobody, and ends when nobody asks it any more."""

import importlib
import os
import time

import psutil
import pytest

from workbench.sandbox.inside import zygote
from workbench.sandbox.inside.zygote import COMMON, ROLES, USER, is_root
from workbench.sandbox.zygotes import Zygote


@pytest.mark.parametrize(
    ("user", "ranges", "found"),
    [
        (0, "         0          0 4294967295\n", True),
        (0, "         0       1000          1\n", False),  # a user of a namespace of its own
        (0, "0 1000 1\n1 100000 65536\n", True),
        (1000, "0 0 4294967295\n", False),
    ],
)
def test_who_can_become_nobody(monkeypatch, tmp_path, user, ranges, found):
    (tmp_path / "uid_map").write_text(ranges)
    real = open
    monkeypatch.setattr(zygote, "open", lambda path: real(tmp_path / "uid_map"), raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    assert is_root() is found


def test_what_is_loaded_is_of_the_standard_library():
    for name in (*COMMON, *(f"workbench.sandbox.inside.{role}" for role in ROLES)):
        importlib.import_module(name)


def test_it_ends_when_its_other_side_is_gone_and_is_not_root():
    made = Zygote("unsafe")
    try:
        process = psutil.Process(made.process.pid)
        assert process.uids().real == (USER if is_root() else os.geteuid())
        made.control.close()
        end = time.monotonic() + 10
        while made.process.poll() is None and time.monotonic() < end:
            time.sleep(0.01)
        assert made.process.returncode == 0
    finally:
        made.close()
