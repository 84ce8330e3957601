"""Starts the process, inside a sandbox, that is forked for each program."""

from __future__ import annotations

import errno
import json
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

from workbench.sandbox import inside
from workbench.sandbox.inside.zygote import USER, is_root

Kind = Literal["bubblewrap", "landlock", "unsafe"]
"""What keeps programs in: namespaces; rules of files and system calls; or limits alone."""
Role = Literal["candidate", "checker"]
INSIDE = Path(inside.__file__).parent
HOME = "/program"
"""The folder in which a sandbox sees the package that runs inside."""
PATIENCE = 30
"""Seconds that a zygote has to start."""
PYTHON = ("-S", "-s", "-P", "-B", "-c")
ENVIRONMENT = {"PYTHONHASHSEED": "0", "LANG": "C.UTF-8"}
"""All that a program sees of the environment; with the seed sets have the same order each time."""
CODE = (
    "import sys; sys.path.append({home!r}); "
    "from workbench.sandbox.inside.zygote import main; main({control}, {kind!r})"
)


class SandboxError(RuntimeError):
    """The sandbox cannot be started, or is broken; no fault of a program."""


class Zygote:
    """A running zygote in a sandbox of its own."""

    def __init__(self, kind: Kind) -> None:
        """Start it.

        Raises:
            SandboxError: it does not start.
        """
        self.kind = kind
        self.home: tempfile.TemporaryDirectory[str] | None = None
        self.process: subprocess.Popen[bytes] | None = None
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with theirs, open(os.memfd_create("said"), "w+b") as said:
                self._start(theirs.fileno(), said.fileno())
                theirs.close()  # so that its end is told here
                ready, _, _ = select.select([self.control], [], [], PATIENCE)
                if not ready or self.control.recv(16) != b"ready":
                    said.seek(0)
                    lines = said.read().decode(errors="replace").strip().splitlines()
                    raise SandboxError(f"{(lines or ['it says nothing'])[-1]}")
        except (OSError, SandboxError) as fault:
            self.close()
            raise SandboxError(f"the sandbox ({kind}) does not start: {_why(fault)}") from fault

    def _start(self, control: int, said: int) -> None:
        variables = dict(ENVIRONMENT)
        if self.kind == "bubblewrap":
            command = [*_bubblewrap(), *_python(BASE, HOME, control, self.kind)]
        else:
            python = _reachable_python()
            self.home = tempfile.TemporaryDirectory(prefix="sandbox-", ignore_cleanup_errors=True)
            if is_root():
                os.chown(self.home.name, USER, USER)
            package = Path(self.home.name) / "package"
            shutil.copytree(INSIDE, package / "workbench" / "sandbox" / "inside", ignore=COMPILED)
            command = _python(python, str(package), control, self.kind)
            variables["TMPDIR"] = self.home.name
        self.process = subprocess.Popen(
            command,
            pass_fds=[control],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            env=variables,
            cwd="/",
            start_new_session=True,  # so that Ctrl-C reaches this process alone, which ends it
        )

    def fork(
        self, role: Role, limits: Mapping[str, int], lines: Sequence[socket.socket],
        watched: bool = True,
    ) -> socket.socket:  # fmt: skip
        """Have a process forked that serves on some connections; return where its end is told.

        Closing that connection ends the process. There is one at a time.

        Args:
            role: what it serves as.
            limits: as the fields of ``Limits``.
            lines: the connections.
            watched: whether it is looked at time and again, so that all its processes together
                keep to the limits; the kernel sees to each.

        Raises:
            SandboxError: the zygote is gone.
        """
        mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        text = json.dumps({"role": role, "limits": limits, "watched": watched}).encode()
        handed = [theirs.fileno(), *(line.fileno() for line in lines)]
        try:
            socket.send_fds(self.control, [text], handed)
        except OSError as fault:
            mine.close()
            raise SandboxError(f"the zygote is gone ({fault})") from fault
        finally:
            theirs.close()
        return mine

    def close(self) -> None:
        """End it, and all that it has forked."""
        self.control.close()
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        if self.home is not None:
            with suppress(RecursionError):  # of an unsafe program's folders
                self.home.cleanup()


BASE = str(getattr(sys, "_base_executable", sys.executable))
"""The Python that a virtual environment was made from: programs see no package of ours."""
COMPILED = shutil.ignore_patterns("__pycache__")


def _python(executable: str, home: str, control: int, kind: Kind) -> list[str]:
    return [executable, *PYTHON, CODE.format(home=home, control=control, kind=kind)]


def _why(fault: Exception) -> str:
    if os.strerror(errno.EAGAIN) in str(fault):  # also where bubblewrap or the zygote says so
        return "no process can be started: raise the limit on processes (ulimit -u)"
    if isinstance(fault, OSError) and fault.filename:
        return f"{fault.strerror} ({fault.filename})"
    return str(fault)


def _bubblewrap() -> list[str]:
    """Return the command that makes namespaces without network, and a read-only system.

    Started by root it makes no users: the zygote changes to nobody, and then makes users of its
    own, as root's limits on processes do not hold.

    Raises:
        SandboxError: bubblewrap is not installed.
    """
    command = shutil.which("bwrap")
    if command is None:
        raise SandboxError("bubblewrap is not installed (the package is called bubblewrap)")
    found = [command]
    if is_root():
        spaces = ("ipc", "pid", "net", "uts", "cgroup-try")
        found += [f"--unshare-{name}" for name in spaces]
        found += ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        found += [
            "--unshare-all",
            "--unshare-user",
            "--cap-drop",
            "ALL",
            "--uid",
            str(USER),
            "--gid",
            str(USER),
        ]
    found += ["--clearenv", "--new-session", "--die-with-parent"]
    for name, value in ENVIRONMENT.items():
        found += ["--setenv", name, value]
    found += ["--ro-bind", "/usr", "/usr"]
    for folder in ("/lib", "/lib64", "/lib32", "/bin"):
        if os.path.islink(folder):
            found += ["--symlink", os.readlink(folder), folder]
        else:
            found += ["--ro-bind-try", folder, folder]
    prefix = os.path.realpath(sys.base_prefix)
    if not Path(prefix).is_relative_to("/usr"):
        for parent in reversed(Path(prefix).parents[:-1]):  # or nobody but root may pass them
            found += ["--perms", "0711", "--dir", str(parent)]
        found += ["--ro-bind", prefix, prefix]
    found += ["--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"]
    found += ["--ro-bind", str(INSIDE), f"{HOME}/workbench/sandbox/inside"]
    found += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]
    return [*found, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/", "--"]


def _reachable_python() -> str:
    """Return a Python that programs can read: of root's own, nobody can read those at home.

    Raises:
        SandboxError: there is none.
    """
    names = [BASE, "/usr/bin/python3.11", "/usr/local/bin/python3.11"]
    for name in names:
        if os.path.exists(name) and (not is_root() or _open_to_all(Path(name).resolve())):
            return name
    raise SandboxError(
        f"no Python 3.11 that every user can read ({', '.join(names)}): do not start this as root"
    )


def _open_to_all(path: Path) -> bool:
    return all(one.stat().st_mode & 0o001 for one in (path, *path.parents))
