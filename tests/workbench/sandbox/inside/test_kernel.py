"""Calls of the C library that fail raise what they failed with."""

import errno

import pytest

from workbench.sandbox.inside.kernel import call, prctl


def test_a_call_that_fails_says_which_and_why():
    with pytest.raises(OSError, match="close: Bad file descriptor") as fault:
        call("close", -1)
    assert fault.value.errno == errno.EBADF
    with pytest.raises(OSError, match="prctl: Invalid argument"):
        prctl(9999, 0)


def test_a_call_that_works_returns_what_it_found():
    import os

    assert call("getpid") == os.getpid()
