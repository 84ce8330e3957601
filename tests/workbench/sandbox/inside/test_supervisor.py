"""A supervisor tells how a process ended, and ends it when it is over a limit."""

import errno
import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from workbench.sandbox.inside import supervisor
from workbench.sandbox.limits import Limits

ROOT = Path(__file__).parents[4]
LIMITS = asdict(Limits(wall_seconds=1, tmp_mib=1, memory_mib=300))
CODE = """
import json, os, socket, time
from workbench.sandbox.inside.supervisor import Supervisor
def serve():
    {serve}
ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
{first}
Supervisor("unsafe").run(serve, {request}, theirs.fileno(), [])
print(ours.recv(9999).decode())
"""


def told(serve, first="", watched=True):
    """What a supervisor tells of a process, in a process of its own."""
    request = {"limits": LIMITS, "watched": watched}
    code = CODE.format(serve=serve, first=first, request=request)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("serve", "found"),
    [
        ("pass", {"code": 0, "over": ""}),
        ("os._exit(3)", {"code": 3, "over": ""}),
        ("1 / 0", {"code": 0, "over": ""}),
        ("os.kill(os.getpid(), 15)", {"signal": 15, "over": ""}),
        ("time.sleep(60)", {"signal": 9, "over": "wall", "starved": False}),
        (
            "held = [open(str(n), 'wb').write(b'x' * 900_000) for n in range(9)]; time.sleep(60)",
            {"over": "tmp"},
        ),
        ("[open(str(n), 'wb') for n in range(50)]; time.sleep(60)", {"over": "wall"}),
        (
            "[open(str(n), 'wb').close() for n in range(500)]; time.sleep(60)",
            {"over": "tmp"},  # empty ones take room too
        ),
        (
            "[os.fork() or (bytearray(b'x') * (120 << 20), time.sleep(60)) for _ in range(4)]; "
            "time.sleep(60)",
            {"over": "memory"},
        ),
    ],
)  # fmt: skip
def test_how_a_process_ends(serve, found):
    assert found.items() <= told(serve).items()


def test_a_process_that_nobody_wants_any_more_is_ended():
    late = "import threading\nthreading.Timer(0.2, ours.shutdown, [socket.SHUT_RDWR]).start()"
    code = CODE.format(
        serve="time.sleep(60)", first=late, request={"limits": LIMITS, "watched": False}
    ).replace("print(ours.recv(9999).decode())", "print(time.process_time() < 60)")
    code = code.replace('"wall_seconds": 1', '"wall_seconds": 60')
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=30,
                   capture_output=True)  # fmt: skip


def test_what_it_has_left_behind_is_ended():
    left = "os.fork() or os.setsid() or os.fork() or time.sleep(99)"
    code = CODE.format(serve=left, first="", request={"limits": LIMITS, "watched": True})
    code += "print(open(f'/proc/self/task/{os.getpid()}/children').read().split())"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[1] == "[]"


def test_a_fault_before_the_program_is_told():
    first = "from workbench.sandbox.inside import containment\n"
    first += "def fail(*_, **__): raise OSError(5, 'broken')\ncontainment.set_limits = fail"
    assert told("pass", first) == {"fault": "OSError: [Errno 5] broken"}


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (BlockingIOError(errno.EAGAIN, "x"), "raise the limit on processes (ulimit -u)"),
        (OSError(errno.ENOSPC, "full", "/tmp/x"), "no room for a program's files (/tmp/x): free"),
        (OSError(errno.EIO, "broken"), "no process can be started for a program: [Errno 5] broken"),
    ],
)
def test_why_a_program_is_not_run(fault, message):
    assert message in supervisor._why_not_run(fault)


def test_a_full_tmp_is_told():
    first = "import tempfile\ndef full(**_): raise OSError(28, 'No space', '/tmp/program-x')\n"
    first += "tempfile.mkdtemp = full"
    assert "no room for a program's files (/tmp/program-x)" in told("pass", first)["fault"]


def test_a_folder_is_as_large_as_all_its_files(tmp_path):
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (inner / "file").write_bytes(b"x" * 1_000_000)
    (tmp_path / "link").symlink_to("/usr")
    assert supervisor._is_larger(str(tmp_path), 900_000)
    assert not supervisor._is_larger(str(tmp_path), 1_200_000)
    assert not supervisor._is_larger(str(tmp_path / "gone"), 0)


def test_python_and_its_libraries_can_be_read():
    folders = supervisor.readable_folders()
    assert sys.base_prefix in folders
    assert os.path.dirname(supervisor.__file__) in folders
    assert not {"/", "/etc", "/tmp", "/home", "/root", "/proc"} & {*folders}
