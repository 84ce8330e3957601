"""Runs one program in a process of its own, ends what goes on for too long, and tells how it ended.

It stands outside the program's process numbers, where no program can see or signal it. Time is up
when the clock says so; memory when all processes of the program together have more than one may
have (the kernel limits each by itself); a folder of the program where no mount limits it.
"""

from __future__ import annotations

import errno
import json
import math
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, NoReturn

from workbench.sandbox.inside import containment
from workbench.sandbox.inside.kernel import DEATH_SIGNAL, SUBREAPER, prctl
from workbench.sandbox.inside.literals import Line
from workbench.sandbox.inside.system_calls import forbid_calls, program

PAUSE = 0.05
"""Seconds between two looks at what a program uses."""
PAGE = os.sysconf("SC_PAGE_SIZE")
STARVED = 0.5
"""The share of its time that a program waited for a processor, above which it is not to blame."""

Serve = Callable[..., None]


class Supervisor:
    """Runs one program after the other."""

    def __init__(self, kind: str) -> None:
        """Get ready, before anything is forked.

        Args:
            kind: of sandbox. In ``bubblewrap`` this process is the first of its own namespaces, and
                has all rights over them.
        """
        self.kind = kind
        self.filter = b"" if kind == "unsafe" else program(namespaces=kind == "bubblewrap")
        self.proc = os.open("/proc", os.O_PATH | os.O_DIRECTORY)
        self.numbers = os.open("/proc/self/ns/pid", os.O_RDONLY)
        if kind == "bubblewrap":
            containment.hide_processes()
        else:
            prctl(SUBREAPER, 1)

    def run(self, serve: Serve, request: Mapping[str, Any], told: int, given: list[int]) -> None:
        """Run one program, and tell on ``told`` how it ended.

        Args:
            serve: what the program's process does, with a line for each of ``given``.
            request: its ``limits``, as the fields of ``Limits``, and whether it is ``watched``.
            told: a connection; when its other side is closed, the program is ended.
            given: the connections of the program.
        """
        found: dict[str, Any]
        home = ""
        faults, fault_of_child = os.pipe()
        try:
            if self.kind != "bubblewrap":
                home = tempfile.mkdtemp(prefix="program-")
            child = self._fork()
            if child == 0:
                self._serve(serve, request["limits"], fault_of_child, given, home)
            os.close(fault_of_child)
            found = self._wait(child, told, request, home)
            if text := os.read(faults, 2000).decode():
                found = {"fault": text}
            if home:
                self._end_others()
        except OSError as fault:
            found = {"fault": _why_not_run(fault)}
        finally:
            os.close(faults)
            if home:
                with suppress(RecursionError):  # of an unsafe program's folders
                    shutil.rmtree(home, ignore_errors=True)
        with suppress(OSError):  # nobody wants it any more
            os.write(told, json.dumps(found).encode())

    def _fork(self) -> int:
        if self.kind == "bubblewrap":
            return containment.own_numbers(os.fork, self.numbers)
        return os.fork()

    def _serve(
        self, serve: Serve, limits: Mapping[str, int], faults: int, given: list[int], home: str
    ) -> NoReturn:
        """Give up all rights, and serve; never return.

        What goes wrong before the program is written to ``faults``, which is closed when it begins.
        """
        try:
            prctl(DEATH_SIGNAL, signal.SIGKILL)
            os.setsid()
            # where the machine has too little memory, this process is to go first
            adjust = os.open("self/oom_score_adj", os.O_WRONLY, dir_fd=self.proc)
            containment.write(adjust, "1000")
            if self.kind == "bubblewrap":
                containment.own_files(limits["tmp_mib"])
            os.chdir(home or "/tmp")
            nothing = os.open("/dev/null", os.O_RDWR)
            output = os.open("output", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            for number, place in ((0, nothing), (1, output), (2, output)):
                os.dup2(place, number)
            _close_all_but(*given, faults)
            os.umask(0o077)
            containment.set_limits(limits, counted=self.kind == "bubblewrap")
            containment.give_up_rights()
            if self.kind == "landlock":
                containment.only_files(readable_folders(), home)
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a full file is an OSError
            if self.kind != "unsafe":
                forbid_calls(self.filter)
            lines = [Line(socket.socket(fileno=place)) for place in given]
            os.close(faults)
        except BaseException as fault:
            os.write(faults, f"{type(fault).__name__}: {fault}"[:2000].encode())
            os._exit(1)
        try:
            serve(*lines)
        finally:
            os._exit(0)

    def _wait(self, child: int, told: int, request: Mapping[str, Any], home: str) -> dict[str, Any]:
        """Wait for a process, or kill it: when over a limit, or when nobody wants it any more."""
        limits = request["limits"]
        end = time.monotonic() + limits["wall_seconds"]
        pause = PAUSE if request["watched"] else math.inf
        ended = os.pidfd_open(child)
        poll = select.poll()
        poll.register(ended, select.POLLIN)
        poll.register(told, select.POLLHUP | select.POLLIN)
        over, starved = "", False
        while not (events := dict(poll.poll(1000 * max(0.0, min(pause, end - time.monotonic()))))):
            process = self._seen_as(ended)
            if time.monotonic() >= end:
                over, starved = "wall", self._waited(process) > STARVED * limits["wall_seconds"]
            elif self._memory(process) > limits["memory_mib"] << 20:
                over = "memory"
            elif home and _is_larger(home, limits["tmp_mib"] << 20):
                over = "tmp"
            if over:
                break
        if ended not in events:
            os.kill(child, signal.SIGKILL)
        _, status, used = os.wait4(child, 0)
        os.close(ended)
        return {
            "code": os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
            "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else None,
            "over": over,
            "starved": starved,
            "cpu": used.ru_utime + used.ru_stime,
        }

    def _read(self, path: str) -> str:
        try:
            with os.fdopen(os.open(path, os.O_RDONLY, dir_fd=self.proc)) as file:
                return file.read()
        except OSError:  # it has ended, or this kernel does not say
            return ""

    def _seen_as(self, ended: int) -> int:
        """Return the number by which /proc knows an open process, which was mounted further out."""
        words = self._read(f"self/fdinfo/{ended}").partition("Pid:")[2].split()
        return int(words[0]) if words else 0

    def _tree(self, process: int) -> Iterator[int]:
        """Yield a process and all that it has forked."""
        left = [process]
        while left:
            yield (one := left.pop())
            for thread in self._threads(one):
                left += map(int, self._read(f"{one}/task/{thread}/children").split())

    def _threads(self, process: int) -> list[str]:
        try:
            place = os.open(f"{process}/task", os.O_RDONLY, dir_fd=self.proc)
        except OSError:
            return []
        try:
            return os.listdir(place)
        finally:
            os.close(place)

    def _memory(self, process: int) -> int:
        """Return the bytes that a process and all that it has forked have in memory."""
        words = [self._read(f"{one}/statm").split() for one in self._tree(process)]
        return sum(int(each[1]) for each in words if len(each) > 1) * PAGE

    def _waited(self, process: int) -> float:
        """Return for how many seconds a process waited until there was a processor for it."""
        words = self._read(f"{process}/schedstat").split()
        return int(words[1]) / 1e9 if len(words) > 1 else 0.0

    def _end_others(self) -> None:
        """Kill what a program has left behind, which is this process's own child then."""
        while True:
            for number in map(int, self._read(f"self/task/{os.getpid()}/children").split()):
                os.kill(number, signal.SIGKILL)
                os.waitpid(number, 0)  # its own are this process's then
            try:
                os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return


def _close_all_but(*places: int) -> None:
    low = 3
    for place in sorted(places):
        os.closerange(low, place)
        low = place + 1
    os.closerange(low, os.sysconf("SC_OPEN_MAX"))


def _why_not_run(fault: OSError) -> str:
    if fault.errno == errno.EAGAIN:
        return "no process can be started for a program: raise the limit on processes (ulimit -u)"
    if fault.errno == errno.ENOSPC:
        return f"there is no room for a program's files ({fault.filename}): free some"
    return f"no process can be started for a program: {fault}"


def readable_folders() -> list[str]:
    """Return what Python needs to read where Landlock alone keeps a program in."""
    wanted = {sys.base_prefix, "/usr/lib", "/lib", "/lib64", "/etc/localtime", "/dev/null"}
    wanted |= {"/dev/urandom", "/usr/share/zoneinfo", os.path.dirname(os.path.abspath(__file__))}
    return sorted(one for one in wanted if os.path.exists(one))


def _is_larger(folder: str, most: int) -> bool:
    """Return whether all files below a folder have more than so many bytes."""
    found, left = 0, [folder]
    while left and found <= most:
        with suppress(OSError), os.scandir(left.pop()) as entries:
            for one in entries:
                with suppress(OSError):
                    size = one.stat(follow_symlinks=False).st_blocks * 512
                    found += max(size, PAGE)  # an empty file takes room too
                    if one.is_dir(follow_symlinks=False):
                        left.append(one.path)
    return found > most
