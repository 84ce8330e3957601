"""Programs that would break out, use too much, or judge themselves: none passes, all are ended."""

import os
import re
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.workbench.sandbox.conftest import KINDS, SHORT, SQUARES
from tests.workbench.sandbox.hostile_effects import EFFECTS
from tests.workbench.sandbox.hostile_excesses import ENDED, EXCESSES
from tests.workbench.sandbox.hostile_forgeries import FORGERIES
from workbench.sandbox.programs import GRACE, OUTCOMES

ROOT = Path(__file__).parents[3]
SECRET = "WORKBENCH_SECRET_OF_TESTS"


@pytest.fixture(scope="module")
def outside(tmp_path_factory):
    """What programs reach for, and a function that tells whether they have changed it."""
    folder = tmp_path_factory.mktemp("outside")
    for one in (folder, *list(folder.parents)[: len(folder.parts) - 2]):
        if one.stat().st_uid == os.geteuid():
            one.chmod(0o777 if one == folder else one.stat().st_mode | 0o055)
    canary = folder / "canary"
    canary.write_text("as it was")
    canary.chmod(0o666)
    asleep = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
    line, name = f"\0outside-{folder.name}-{os.getpid()}", folder / "line"
    os.environ[SECRET] = "seen"
    with (
        socket.create_server(("127.0.0.1", 0)) as port,
        socket.socket(socket.AF_UNIX) as named,
        socket.socket(socket.AF_UNIX) as unnamed,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as letters,
    ):
        named.bind(str(name))
        unnamed.bind(line)
        letters.bind(f"{name}.letters")
        for server in (named, unnamed):
            server.listen()
        for server in (port, named, unnamed, letters):
            server.setblocking(False)
        for path in (name, folder / "line.letters"):
            path.chmod(0o777)
        words = {
            "CANARY": str(canary), "FOLDER": str(folder), "PORT": str(port.getsockname()[1]),
            "UNNAMED": line[1:], "LINE": str(name), "PID": str(asleep.pid), "SECRET": SECRET,
        }  # fmt: skip
        pattern = re.compile("|".join(words))

        def state():
            reached = []
            for server in (port, named, unnamed, letters):
                try:
                    server.recv(1) if server is letters else server.accept()
                    reached.append(server.getsockname())
                except BlockingIOError:
                    pass
            about = canary.stat()
            return (
                canary.read_text(), oct(about.st_mode), about.st_mtime, about.st_uid,
                sorted(os.listdir(folder)), oct(folder.stat().st_mode), os.listxattr(canary),
                asleep.poll(), os.getpriority(os.PRIO_PROCESS, asleep.pid),
                os.sched_getaffinity(asleep.pid), psutil.Process(asleep.pid).rlimit(0), reached,
            )  # fmt: skip

        yield lambda source: pattern.sub(lambda found: words[found.group()], source), state
    del os.environ[SECRET]
    asleep.kill()
    asleep.wait()


def processes(box):
    """How many processes a sandbox has; psutil would go through those of the machine."""
    found = [zygote.process.pid for zygote in box.zygotes.values()]
    for one in found:
        with suppress(OSError):  # it has ended
            for place in Path(f"/proc/{one}/task").glob("*/children"):
                found += map(int, place.read_text().split())
    return len(found)


@pytest.fixture
def judged(box):
    """A function: source of a program -> its verdict, after which all its processes are gone."""

    def judge(source):
        assert box.judge("def answer(x):\n    return x * x", SQUARES).outcome == "passed"
        before, start, restarts = processes(box), time.monotonic(), box.restarts
        verdict = box.judge(source, SQUARES)
        took = time.monotonic() - start
        assert took < 2 * (SHORT.wall_seconds + GRACE)
        assert box.restarts == restarts, "it ended the sandbox"
        end = time.monotonic() + 10
        while processes(box) > before and time.monotonic() < end:
            time.sleep(0.01)
        assert processes(box) <= before
        return verdict

    return judge


def test_the_suite_is_large_enough():
    assert len(EFFECTS) + len(EXCESSES) + len(FORGERIES) >= 150


OUTLIVES = """
import ctypes, signal, time
ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)
for number in signal.valid_signals() - {9, 19}:
    signal.signal(number, signal.SIG_IGN)
def answer(x):
    time.sleep(60)
"""
KEEPS = """
from tests.workbench.sandbox.conftest import SQUARES
from workbench.sandbox.programs import Limits, Sandbox
with Sandbox(kind={kind!r}, limits=Limits(wall_seconds=60)) as sandbox:
    sandbox.judge({program!r}, SQUARES)
"""


def test_no_program_outlives_who_started_it(box):
    code = KEEPS.format(kind=box.kind, program=OUTLIVES)
    starter = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    process = psutil.Process(starter.pid)
    asleep, end = [], time.monotonic() + 30
    while len(asleep) < 4 and time.monotonic() < end:  # a zygote and its fork, for each role
        time.sleep(0.2)
        asleep = process.children(recursive=True)
    time.sleep(0.5)  # until the program sleeps
    asleep = process.children(recursive=True)
    starter.kill()
    starter.wait()
    _, left = psutil.wait_procs(asleep, timeout=10)
    assert len(asleep) >= 4
    assert not left


@pytest.mark.parametrize("name", EFFECTS)
def test_nothing_outside_is_reached(name, judged, outside):
    filled, state = outside
    before = state()
    verdict = judged(filled(EFFECTS[name]))
    assert verdict.outcome in ("exception", "limit"), verdict
    assert state() == before


def kinds_of(place, outcomes):
    """Both kinds of sandbox; one of them for what may take all of its time."""
    return KINDS[place % len(KINDS) :][:1] if outcomes >= ENDED else KINDS


@pytest.mark.parametrize(
    ("box", "name"),
    [
        (kind, name)
        for kind in KINDS
        for place, (name, (_, outcomes)) in enumerate(EXCESSES.items())
        if kind in kinds_of(place, outcomes)
    ],
    indirect=["box"],
    scope="session",
)
def test_what_is_too_much_is_ended(name, judged):
    source, outcomes = EXCESSES[name]
    verdict = judged(source)
    assert verdict.outcome in outcomes, verdict


@pytest.mark.parametrize("name", FORGERIES)
def test_no_pass_is_forged(name, judged):
    verdict = judged(FORGERIES[name])
    assert verdict.outcome in set(OUTCOMES) - {"passed", "unsupported", "infrastructure"}, verdict
