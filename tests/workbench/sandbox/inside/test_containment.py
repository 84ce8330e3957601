"""What a process gives up is gone; steps that the kernel refuses are not left out silently."""

import errno
import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from workbench.sandbox.inside import containment
from workbench.sandbox.inside.containment import LEAST_VERSION, landlock_version, only_files
from workbench.sandbox.limits import Limits

ROOT = Path(__file__).parents[4]


def told(code):
    """What a process says that runs some code; as JSON."""
    first = "import json, os, resource\nfrom workbench.sandbox.inside.containment import *\n"
    done = subprocess.run(
        [sys.executable, "-c", first + code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_limits_are_set_for_good():
    names = ("AS", "CPU", "NOFILE", "FSIZE", "CORE", "NPROC")
    mine = Limits()
    code = f"set_limits({asdict(mine)}, counted=%s)\n"
    code += "print(json.dumps([resource.getrlimit(getattr(resource, 'RLIMIT_' + one))"
    code += f" for one in {names}]))"
    wanted = [mine.memory_mib << 20, mine.cpu_seconds, mine.files, mine.output_kib << 10, 0]
    wanted.append(mine.processes)
    assert told(code % True) == [[one, one] for one in wanted]
    assert told(code % False)[:-1] == [[one, one] for one in wanted[:-1]]
    assert told(code % False)[-1] != [mine.processes] * 2


def test_a_limit_is_never_raised():
    code = "resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))\n"
    code += f"set_limits({asdict(Limits())}, counted=False)\n"
    code += "print(json.dumps(resource.getrlimit(resource.RLIMIT_NOFILE)))"
    assert told(code) == [20, 20]


def test_rights_are_given_up():
    code = "give_up_rights()\nprint(json.dumps([one for one in open('/proc/self/status')]))"
    lines = dict(one.split(":", 1) for one in told(code))
    assert {lines[f"Cap{kind}"].strip() for kind in ("Prm", "Eff", "Inh")} == {"0" * 16}
    assert lines["NoNewPrivs"].strip() == "1"


@pytest.mark.parametrize(("version", "told_as"), [(0, "none"), (2, "version 2")])
def test_too_old_a_landlock_is_refused(version, told_as):
    with pytest.raises(OSError, match=f"version {LEAST_VERSION} .* the kernel has {told_as}") as it:
        only_files([], "/", version)
    assert it.value.errno == errno.ENOSYS


TRIES = """
import errno
only_files(["/usr", {file!r}], {folder!r}, {version})
def tried(what):
    try:
        what()
        return "fine"
    except OSError as fault:
        return errno.errorcode[fault.errno]
os.chdir({folder!r})
print(json.dumps({{
    "read": tried(lambda: open({file!r})), "read outside": tried(lambda: open({other!r})),
    "write outside": tried(lambda: open({file!r}, "w")), "list": tried(lambda: os.listdir("/")),
    "write": tried(lambda: open("made", "w")), "make a folder": tried(lambda: os.mkdir("x")),
    "empty": tried(lambda: os.truncate({file!r}, 0)), "remove": tried(lambda: os.unlink("made")),
}}))
"""


@pytest.mark.parametrize("version", range(LEAST_VERSION, 8))
def test_only_some_files_can_be_reached(version, tmp_path):
    if landlock_version() < version:
        pytest.skip(f"the kernel has Landlock of version {landlock_version()}")
    file, other, folder = tmp_path / "file", tmp_path / "other", tmp_path / "folder"
    for one in (file, other):
        one.write_text("x")
    folder.mkdir()
    assert told(
        TRIES.format(file=str(file), other=str(other), folder=str(folder), version=version)
    ) == {
        "read": "fine", "read outside": "EACCES", "write outside": "EACCES", "list": "EACCES",
        "write": "fine", "make a folder": "EACCES", "empty": "EACCES", "remove": "fine",
    }  # fmt: skip


def test_a_process_goes_back_to_the_process_numbers_that_it_came_from(monkeypatch):
    made = []
    monkeypatch.setattr(containment, "call", lambda *told: made.append(told))
    assert containment.own_numbers(lambda: 5, 3) == 5
    assert made == [("unshare", containment.NEW_PID), ("setns", 3, containment.NEW_PID)]
    made.clear()
    assert containment.own_numbers(lambda: 0, 3) == 0
    assert made == [("unshare", containment.NEW_PID)]

    def fail():
        raise BlockingIOError

    made.clear()
    with pytest.raises(BlockingIOError):
        containment.own_numbers(fail, 3)
    assert made[-1] == ("setns", 3, containment.NEW_PID)
