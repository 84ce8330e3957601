"""The self-test lets no sandbox be used that lets something through."""

import pytest

from tests.workbench.sandbox.conftest import why_not
from workbench.sandbox import self_test
from workbench.sandbox.self_test import ChosenSandbox, broken_out, strongest_kind
from workbench.sandbox.zygotes import SandboxError

choose = strongest_kind.__wrapped__  # which is not kept for later


@pytest.mark.parametrize("kind", ["bubblewrap", "landlock"])
def test_nothing_gets_out_of_a_sandbox(kind):
    if why := why_not(kind):
        pytest.skip(why)  # which a program that gets out would be, too: see the next test
    assert list(broken_out(kind)) == []


def test_a_program_gets_out_of_what_is_no_sandbox():
    found = set(broken_out("unsafe"))
    assert found >= {
        "reads a file outside", "writes a file outside", "leaves a file outside",
        "reaches the network", "reaches a socket outside", "reaches an unnamed socket outside",
    }  # fmt: skip


def test_a_sandbox_that_lets_something_through_is_refused(monkeypatch):
    monkeypatch.setattr(self_test, "broken_out", lambda kind: iter(["reads a", "writes b"]))
    with pytest.raises(SandboxError) as fault:
        choose()
    assert str(fault.value) == (
        "a program in the sandbox (bubblewrap) reads a and writes b: no program is run"
    )


def test_where_bubblewrap_is_missing_landlock_is_taken_and_says_so(monkeypatch):
    if why := why_not("landlock"):
        pytest.skip(why)
    monkeypatch.setenv("PATH", "")
    choice = choose()
    assert choice.kind == "landlock"
    assert str(choice).startswith("landlock: rules of files and system calls keep programs in, as ")
    assert "bubblewrap is not installed" in str(choice)


def test_where_neither_runs_it_says_what_to_do(monkeypatch):
    def broken(kind):
        raise SandboxError(f"the sandbox ({kind}) does not start")

    monkeypatch.setattr(self_test, "broken_out", broken)
    with pytest.raises(SandboxError, match=r"\(bubblewrap\) does not start; the .* \(landlock"):
        choose()
    with pytest.raises(SandboxError, match=r"set scoring\.sandbox: unsafe"):
        choose()


def test_the_strongest_says_nothing_of_others():
    assert str(ChosenSandbox("bubblewrap")) == "bubblewrap: programs run in namespaces of their own"


def test_a_sandbox_in_which_a_harmless_program_fails_is_broken(monkeypatch):
    monkeypatch.setattr(self_test, "ATTEMPTS", "def try_(way, argument):\n    return 2")
    with pytest.raises(SandboxError, match=r"does not pass in the sandbox \(unsafe\): failed"):
        list(broken_out("unsafe"))
