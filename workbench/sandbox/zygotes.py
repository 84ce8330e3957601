"""Starts the process, inside a sandbox, that is forked for each program."""

from __future__ import annotations

import json
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Literal

from workbench.sandbox import inside
from workbench.sandbox.inside.zygote import USER
from workbench.sandbox.limits import Limits

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
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.home = tempfile.TemporaryDirectory(prefix="sandbox-", ignore_cleanup_errors=True)
        if os.geteuid() == 0:
            os.chown(self.home.name, USER, USER)
        number = theirs.fileno()
        if kind == "bubblewrap":
            command = [*_bubblewrap(), *_python(sys._base_executable), _code(HOME, number, kind)]
        else:
            command = [*_python(_reachable_python()), _code(self._package(), number, kind)]
        with tempfile.TemporaryFile() as said:
            try:
                self.process = subprocess.Popen(
                    command,
                    pass_fds=[number],
                    stdin=subprocess.DEVNULL,
                    stdout=said,
                    stderr=said,
                    env=ENVIRONMENT | {"TMPDIR": self.home.name},
                    cwd="/",
                )
            finally:
                theirs.close()
            ready, _, _ = select.select([self.control], [], [], PATIENCE)
            if not ready or self.control.recv(16) != b"ready":
                self.close()
                said.seek(0)
                lines = said.read().decode(errors="replace").strip().splitlines()
                told = lines[-1] if lines else "it says nothing"
                raise SandboxError(f"the sandbox ({kind}) does not start: {told}")

    def _package(self) -> str:
        """Return a folder with the package that runs inside, where programs may read it."""
        place = Path(self.home.name) / "package"
        shutil.copytree(INSIDE, place / "workbench" / "sandbox" / "inside")
        return str(place)

    def fork(self, role: Role, limits: Limits, lines: Sequence[socket.socket]) -> socket.socket:
        """Have a process forked that serves on some connections; return where its end is told.

        Closing that connection ends the process.

        Raises:
            SandboxError: the zygote is gone.
        """
        mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        text = json.dumps({"role": role, "limits": asdict(limits)}).encode()
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
        self.process.kill()
        self.process.wait()
        self.home.cleanup()


def _python(executable: str) -> list[str]:
    return [executable, *PYTHON]


def _code(home: str, control: int, kind: Kind) -> str:
    return CODE.format(home=home, control=control, kind=kind)


def _bubblewrap() -> list[str]:
    """Return the command that makes namespaces without network, and a read-only system.

    Started by root it makes none of users: the zygote changes to nobody instead, as root's
    limits on processes do not hold, and each program is given users of its own.

    Raises:
        SandboxError: bubblewrap is not installed.
    """
    command = shutil.which("bwrap")
    if command is None:
        raise SandboxError("bubblewrap is not installed (the package is called bubblewrap)")
    found = [command]
    if os.geteuid() == 0:
        spaces = ("ipc", "pid", "net", "uts", "cgroup-try")
        found += [f"--unshare-{name}" for name in spaces]
        found += ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        found += ["--unshare-all", "--cap-drop", "ALL"]
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
    names = [sys._base_executable, "/usr/bin/python3", "/usr/local/bin/python3"]
    for name in names:
        if os.path.exists(name) and (os.geteuid() != 0 or _open_to_all(Path(name).resolve())):
            return name
    raise SandboxError(
        f"no Python that every user can read ({', '.join(names)}): do not start this as root"
    )


def _open_to_all(path: Path) -> bool:
    return all(one.stat().st_mode & 0o001 for one in (path, *path.parents))
