"""Sandboxes that the tests share, of each kind that runs here."""

from functools import cache

import pytest

from workbench.sandbox.limits import Limits
from workbench.sandbox.programs import Sandbox, Tests
from workbench.sandbox.self_test import broken_out
from workbench.sandbox.zygotes import SandboxError

KINDS = ("bubblewrap", "landlock")
SQUARES = Tests(
    source="def check(candidate):\n    assert candidate(2) == 4\n    assert candidate(3) == 9\n"
    "    assert abs(candidate(4) - 16) < 1e-9\n",
    entry_points=["answer"],
    check="check",
)
SHORT = Limits(wall_seconds=2, cpu_seconds=1, memory_mib=512)


@cache
def why_not(kind):
    """Return why a kind of sandbox does not run here; empty where it does."""
    try:
        return ", ".join(broken_out(kind))
    except SandboxError as fault:
        return str(fault)


@pytest.fixture(scope="session", params=KINDS)
def box(request):
    """A sandbox with short limits, once of each kind."""
    if why := why_not(request.param):
        pytest.skip(why)
    with Sandbox(kind=request.param, limits=SHORT) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def strongest():
    """The strongest sandbox that runs here, with limits for a busy machine."""
    kind = next((one for one in KINDS if not why_not(one)), None)
    if kind is None:
        pytest.skip("; ".join(map(why_not, KINDS)))
    with Sandbox(kind=kind) as sandbox:
        yield sandbox
