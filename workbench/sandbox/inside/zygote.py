"""The process that is forked for each program: it has Python loaded, and nothing of any program.

It is told over a socket what to fork, and is given the fork's connections along: the first is that
on which it tells how the fork ended, the others those that the fork answers on. It runs one program
at a time.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import socket

from workbench.sandbox.inside import containment
from workbench.sandbox.inside.kernel import DEATH_SIGNAL, SET_DUMPABLE, prctl
from workbench.sandbox.inside.supervisor import Supervisor

COMMON = (
    "bisect", "collections", "copy", "datetime", "decimal", "fractions", "functools", "hashlib",
    "heapq", "itertools", "math", "operator", "queue", "random", "re", "statistics", "string",
    "sys", "typing",
)  # fmt: skip
"""Modules that programs often import, loaded once for all of them."""
ROLES = ("candidate", "checker")
USER = 65534
"""The user of programs where the sandbox is started by root: nobody."""


def is_root() -> bool:
    """Return whether this process can become nobody: root, and not of a single user's namespace."""
    with open("/proc/self/uid_map") as file:
        ranges = [tuple(map(int, line.split())) for line in file]
    known = any(first <= USER < first + count for first, _, count in ranges)
    return os.geteuid() == 0 and known


def main(control: int, kind: str) -> None:
    """Fork for each request until the other side of the socket is gone.

    ``kind`` is what keeps a program in: ``bubblewrap``, which is around this process already,
    ``landlock``, or ``unsafe`` for limits alone.
    """
    prctl(DEATH_SIGNAL, signal.SIGKILL)
    for name in COMMON:
        importlib.import_module(name)
    roles = {
        name: importlib.import_module(f"workbench.sandbox.inside.{name}").serve for name in ROLES
    }
    if is_root():
        os.setgroups([])
        os.setresgid(USER, USER, USER)
        os.setresuid(USER, USER, USER)
        prctl(SET_DUMPABLE, 1)  # or it may not name its forks' users
        prctl(DEATH_SIGNAL, signal.SIGKILL)  # which a change of user has cleared
    if kind == "bubblewrap":
        containment.own_namespaces()
        first = os.fork()
        if first:
            os.waitpid(first, 0)
            os._exit(0)
        prctl(DEATH_SIGNAL, signal.SIGKILL)
    supervisor = Supervisor(kind)
    gc.collect()
    gc.freeze()  # so that forks share their memory
    with socket.socket(fileno=control) as asked:
        asked.sendall(b"ready")
        while True:
            text, handed, _, _ = socket.recv_fds(asked, 65536, 3)
            if not text:
                return
            request = json.loads(text)
            supervisor.run(roles[request["role"]], request, handed[0], handed[1:])
            for place in handed:
                os.close(place)
