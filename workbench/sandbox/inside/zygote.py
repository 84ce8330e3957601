"""The process that is forked for each program: it has Python loaded, and nothing of any program.

It is told over a socket what to fork, and is given the fork's connections along: the first is that
on which the supervisor tells how it ended, the others those that the fork answers on. The
supervisor is a process between the two: it stands outside the program's namespaces, and kills
their first process when time is up, or when whoever asked for it closes the connection.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NoReturn

from workbench.sandbox.inside import containment
from workbench.sandbox.inside.literals import Line

COMMON = (
    "bisect", "collections", "copy", "datetime", "decimal", "fractions", "functools", "hashlib",
    "heapq", "itertools", "math", "operator", "queue", "random", "re", "statistics", "string",
    "sys", "typing",
)  # fmt: skip
"""Modules that programs often import, loaded once for all of them."""
ROLES = ("candidate", "checker")
USER = 65534
"""The user of programs where the sandbox is started by root: nobody."""


def main(control: int, kind: str) -> None:
    """Fork for each request until the other side of the socket is gone.

    ``kind`` is what keeps a program in: ``bubblewrap``, which is around this process already,
    ``landlock``, or ``unsafe`` for limits alone.
    """
    containment.prctl(containment.DEATH_SIGNAL, signal.SIGKILL)
    for name in COMMON:
        importlib.import_module(name)
    roles = {
        name: importlib.import_module(f"workbench.sandbox.inside.{name}").serve for name in ROLES
    }
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(USER, USER, USER)
        os.setresuid(USER, USER, USER)
        containment.prctl(containment.SET_DUMPABLE, 1)  # or it may not name its forks' users
    gc.collect()
    gc.freeze()  # so that forks share their memory
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # supervisors leave nothing behind
    with socket.socket(fileno=control) as asked:
        asked.sendall(b"ready")
        while True:
            text, handed, _, _ = socket.recv_fds(asked, 65536, 3)
            if not text:
                return
            request = json.loads(text)
            if os.fork() == 0:
                asked.close()
                serve = roles[request["role"]]
                _supervise(serve, request["limits"], handed[0], handed[1:], kind)
            for place in handed:
                os.close(place)


def _supervise(
    serve: Any, limits: Mapping[str, int], told: int, given: list[int], kind: str
) -> NoReturn:
    """Run one process in namespaces of its own, and tell how it ended."""
    home = ""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if kind == "bubblewrap":
            containment.own_namespaces()
            containment.private_files(limits["tmp_mib"])
        else:
            containment.prctl(containment.SUBREAPER, 1)
            home = tempfile.mkdtemp(prefix="program-")
        child = os.fork()
        if child == 0:
            os.close(told)
            _run(serve, limits, given, home, kind)
        for place in given:
            os.close(place)
        found = _wait(child, told, limits["wall_seconds"])
        _end_others()
    except Exception as fault:  # said to whoever asked: it is no fault of the program
        found = {"fault": f"{type(fault).__name__}: {fault}"}
    if home:
        shutil.rmtree(home, ignore_errors=True)
    try:
        os.write(told, json.dumps(found).encode())
    finally:
        os._exit(0)


def _run(serve: Any, limits: Mapping[str, int], given: list[int], home: str, kind: str) -> NoReturn:
    """Give up all rights, and serve; never return."""
    code = 70
    try:
        lines = [Line(socket.socket(fileno=place)) for place in given]
        os.chdir(home or "/tmp")
        nothing = os.open("/dev/null", os.O_RDWR)
        output = os.open("output", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        for number, place in ((0, nothing), (1, output), (2, output)):
            os.dup2(place, number)
        for place in range(3, 64):
            if place not in given:
                with suppress(OSError):
                    os.close(place)
        os.setsid()
        containment.set_limits(limits)
        if kind == "bubblewrap":
            containment.give_up_rights()
        elif kind == "landlock":
            containment.only_files(readable_folders(), home)
        if kind != "unsafe":
            containment.forbid_calls(signals=kind == "landlock")
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a full file is an OSError
        serve(*lines)
        code = 0
    except BaseException as fault:
        try:
            sys.stderr.write(f"{type(fault).__name__}: {fault}"[:2000])
            sys.stderr.flush()
        except Exception:
            code = 71
    finally:
        os._exit(code)


def readable_folders() -> list[str]:
    """Return what Python needs to read where Landlock alone keeps a program in."""
    wanted = {sys.base_prefix, "/usr/lib", "/lib", "/lib64", "/etc/localtime", "/dev/null"}
    wanted |= {"/dev/urandom", "/usr/share/zoneinfo", os.path.dirname(os.path.abspath(__file__))}
    return sorted(one for one in wanted if os.path.exists(one))


def _wait(child: int, told: int, seconds: float) -> dict[str, Any]:
    """Wait for a process, or kill it when time is up or nobody wants it any more."""
    start = time.monotonic()
    ended = os.pidfd_open(child)
    poll = select.poll()
    poll.register(ended, select.POLLIN)
    poll.register(told, select.POLLHUP | select.POLLIN)
    events = dict(poll.poll(1000 * seconds))
    if ended not in events:
        os.kill(child, signal.SIGKILL)
    _, status, used = os.wait4(child, 0)
    os.close(ended)
    return {
        "code": os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
        "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else None,
        "timed_out": not events,
        "cpu": used.ru_utime + used.ru_stime,
        "wall": time.monotonic() - start,
    }


def _end_others() -> None:
    """Kill what a program has left behind, which is the supervisor's own where it reaps."""
    for _ in range(1000):
        try:
            with open("/proc/self/task/%d/children" % os.getpid()) as file:
                left = file.read().split()
        except OSError:
            return  # in namespaces of their own they are gone with the first process
        for number in left:
            os.kill(int(number), signal.SIGKILL)
        try:
            while os.waitpid(-1, 0 if left else os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        if not left:
            return
