"""Tries to break out of a sandbox before a program runs in it."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from workbench.sandbox.inside.literals import decode
from workbench.sandbox.programs import Sandbox, Tests
from workbench.sandbox.zygotes import Kind, SandboxError

ATTEMPTS = """
import os
import socket
import time


def nothing(argument):
    return argument


def read(path):
    with open(path) as file:
        return file.read()


def write(path):
    with open(path, "w") as file:
        file.write("written by a program")
    return True


def connect(port):
    with socket.create_connection(("127.0.0.1", port), 1):
        return True


def speak(path):
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(path)
        return True


def fork(most):
    for count in range(most):
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
    return True


def signal(number):
    os.kill(number, 0)
    return True


def try_(way, argument):
    return globals()[way](argument)
"""
"""A program whose functions return where an attempt succeeds, and raise where it does not."""
MANY = 200
"""Processes that a program must not be able to have at once."""
HARMLESS = Tests(source="assert try_('nothing', 1) == 1", entry_points=["try_"])


@dataclass(frozen=True)
class ChosenSandbox:
    """The sandbox that is used."""

    kind: Kind
    why_not: str = ""
    """Why a stronger one cannot run here; empty where this is the strongest."""

    def __str__(self) -> str:
        """Say it in a line."""
        text = NAMES[self.kind]
        return f"{text}, as {self.why_not}" if self.why_not else text


NAMES: dict[Kind, str] = {
    "bubblewrap": "bubblewrap: programs run in namespaces of their own",
    "landlock": "landlock: rules of files and system calls keep programs in",
    "unsafe": "unsafe: nothing but limits keeps programs in",
}


def broken_out(kind: Kind) -> Iterator[str]:
    """Yield what a program reaches from inside a sandbox of this kind that it must not reach.

    Raises:
        SandboxError: the sandbox does not start, or a harmless program does not pass in it.
    """
    with ExitStack() as open_:
        folder = Path(open_.enter_context(tempfile.TemporaryDirectory(prefix="outside-")))
        folder.chmod(0o777)
        secret, made, line = folder / "secret", folder / "made", folder / "line"
        secret.write_text("seen")
        secret.chmod(0o644)
        open_.enter_context(_listening(socket.AF_UNIX, str(line)))
        line.chmod(0o777)
        unnamed = "\0outside-" + folder.name
        port = open_.enter_context(_listening(socket.AF_INET, ("127.0.0.1", 0))).getsockname()[1]
        open_.enter_context(_listening(socket.AF_UNIX, unnamed))
        attempts = {
            "reads a file outside": ("read", str(secret)),
            "writes a file outside": ("write", str(made)),
            "writes into the system": ("write", "/usr/written-by-a-program"),
            "reaches the network": ("connect", port),
            "reaches a socket outside": ("speak", str(line)),
            "reaches an unnamed socket outside": ("speak", unnamed),
            "signals a process outside": ("signal", os.getpid()),
            f"starts {MANY} processes": ("fork", MANY),
        }
        with Sandbox(kind=kind) as sandbox:
            found = sandbox.judge(ATTEMPTS, HARMLESS, list(attempts.values()))
        if found.outcome != "passed":
            raise SandboxError(
                f"a harmless program does not pass in the sandbox ({kind}): {found.outcome} "
                f"{found.why}".rstrip()
            )
        for name, answer in zip(attempts, found.answers, strict=True):
            if answer is not None and "value" in answer and decode(answer["value"]):
                yield name
        if made.exists():
            yield "leaves a file outside"


@contextmanager
def _listening(family: int, address: object) -> Iterator[socket.socket]:
    """Listen on an address."""
    with socket.socket(family) as server:
        server.bind(address)  # type: ignore[arg-type]
        server.listen()
        yield server


@cache
def strongest_kind() -> ChosenSandbox:
    """Return the strongest sandbox that can run here, and why a stronger one cannot, if so.

    It is tried once in a process: a program in it must not reach a file, a socket or a process
    outside, write into the system, or start many processes.

    Raises:
        SandboxError: neither can run here, or a program gets out of it.
    """
    why: list[str] = []
    kinds: tuple[Kind, ...] = ("bubblewrap", "landlock")
    for kind in kinds:
        try:
            reached = list(broken_out(kind))
        except SandboxError as fault:
            why.append(str(fault))
            continue
        if reached:
            raise SandboxError(
                f"a program in the sandbox ({kind}) {' and '.join(reached)}: no program is run"
            )
        return ChosenSandbox(kind, "; ".join(why))
    raise SandboxError(
        f"no sandbox can run here: {'; '.join(why)}. Install bubblewrap (apt-get install "
        "bubblewrap), or set scoring.sandbox: unsafe, which lets programs do as they like"
    )
