"""Sandboxes start, or say in one line why they do not."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workbench.sandbox.conftest import SQUARES, why_not
from workbench.sandbox import zygotes
from workbench.sandbox.programs import Sandbox
from workbench.sandbox.zygotes import SandboxError, Zygote

ROOT = Path(__file__).parents[3]
STARTS = """
import resource, sys
from workbench.sandbox.programs import Sandbox
from workbench.sandbox.zygotes import SandboxError
{first}
try:
    with Sandbox(kind={kind!r}) as sandbox:
        {then}
except SandboxError as fault:
    print(fault)
"""


def started(kind, first="", then="print('started')", command=()):
    """What a process of its own says that starts a sandbox."""
    code = STARTS.format(kind=kind, first=first, then=then)
    return subprocess.run(
        [*command, sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True,
        check=True, env=os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": "/tmp"},
    ).stdout.strip()  # fmt: skip


def test_without_bubblewrap_on_the_path_it_says_so(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SandboxError) as fault:
        Zygote("bubblewrap")
    assert str(fault.value) == (
        "the sandbox (bubblewrap) does not start: bubblewrap is not installed (the package is "
        "called bubblewrap)"
    )


def test_a_bubblewrap_that_may_not_make_namespaces_is_quoted(monkeypatch, tmp_path):
    command = tmp_path / "bwrap"
    command.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(SandboxError, match=r"does not start: bwrap: No permissions to create new"):
        Zygote("bubblewrap")


@pytest.mark.parametrize("kind", ["bubblewrap", "landlock"])
def test_too_low_a_limit_on_processes_says_so(kind):
    if why := why_not(kind):
        pytest.skip(why)
    lowered = "resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))"
    said = started(kind, lowered)
    if said == "started":  # where there are processes enough to start, and not for a program
        then = "from tests.workbench.sandbox.conftest import SQUARES\n        "
        then += "print(sandbox.judge('def answer(x): return x * x', SQUARES))"
        said = started(kind, lowered, then)
    assert "raise the limit on processes (ulimit -u)" in said


def test_a_full_tmp_says_so():
    if why := why_not("bubblewrap") or why_not("landlock"):
        pytest.skip(why)
    command = [shutil.which("bwrap"), "--dev-bind", "/", "/", "--size", "65536", "--tmpfs", "/tmp"]
    if ROOT.is_relative_to("/tmp"):
        command += ["--bind", str(ROOT), str(ROOT)]
    assert "No space left on device" in started("landlock", command=command)


def test_root_needs_a_python_that_nobody_can_read(monkeypatch, tmp_path):
    hidden = tmp_path / "python"
    hidden.write_text("")
    monkeypatch.setattr(zygotes, "BASE", str(hidden))
    monkeypatch.setattr(zygotes, "is_root", lambda: True)
    monkeypatch.setattr(zygotes, "_open_to_all", lambda path: False)
    with pytest.raises(SandboxError, match=r"no Python 3\.11 that every user can read .*python"):
        zygotes._reachable_python()
    monkeypatch.setattr(zygotes, "is_root", lambda: False)
    assert zygotes._reachable_python() == str(hidden)


@pytest.mark.parametrize(
    ("mode", "open_"),
    [(0o755, True), (0o700, False)],
)
def test_a_file_is_open_to_all_where_each_folder_is(tmp_path, mode, open_):
    folder = tmp_path / "folder"
    folder.mkdir()
    file = folder / "file"
    file.write_text("")
    file.chmod(0o755)
    folder.chmod(mode)
    seen = [one for one in (file, *file.parents) if one.is_relative_to(folder)]
    assert all(one.stat().st_mode & 0o001 for one in seen) is open_
    if not open_:
        assert not zygotes._open_to_all(file)


def test_limits_alone_keep_an_unsafe_program_in():
    with Sandbox(kind="unsafe") as sandbox:
        assert sandbox.judge("def answer(x):\n    return x * x", SQUARES).outcome == "passed"
        left = "import os, time\nif os.fork() == 0:\n    time.sleep(99)\n"
        assert sandbox.judge(left + "def answer(x):\n    return 1", SQUARES).outcome == "failed"
        assert sandbox.judge("def answer(x):\n    return 1", SQUARES).outcome == "failed"
        assert sandbox.restarts == 0
