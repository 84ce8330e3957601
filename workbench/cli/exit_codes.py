"""How a command ends: a mistake is one clear message and never a traceback."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

from workbench.core.console import console, notice


def exit_code_of(act: Callable[[], Any], stopped: type[BaseException], stoppable: Any) -> int:
    """Do what a command asks for, and tell how it ended.

    Args:
        act: the command.
        stopped: what is raised in it by a request to stop.
        stoppable: a context in which such a request is raised.

    Returns:
        The exit code: 0, 1 for a mistake of the user's or an error of the system's, 128 + the
        signal's number where it was told to stop.
    """
    try:
        with stoppable():
            act()
    except ValueError as fault:
        _complain(str(fault))
        return 1
    except OSError as fault:
        _complain(_os_fault(fault))
        return 1
    except stopped as signal:
        number = int(signal.args[0])
        notice("stopped; what is finished is kept, and the same command goes on from there")
        return 128 + number
    return 0


def _os_fault(fault: OSError) -> str:
    if fault.errno is None:  # not the system's: a model or data set of the hub that does not load
        said = " ".join(str(fault).split())
        return f"{said}; without the network, give a local folder. What is finished is kept"
    where = f" ({fault.filename})" if fault.filename else ""
    ways = {
        errno.ENOSPC: "the disk is full; free some space and run the same command again",
        errno.EDQUOT: "the disk quota is used up; free some space and run the same command again",
        errno.EACCES: "no permission to write there; choose another folder with --out",
        errno.EROFS: "that disk is read-only; choose another folder with --out",
        errno.ENOTDIR: "a file is in the way; choose another folder with --out",
        errno.EEXIST: "a file is in the way; choose another folder with --out",
    }
    what = ways.get(fault.errno or 0, "what is finished is kept")
    return f"{fault.strerror or fault}{where}: {what}"


def _complain(text: str) -> None:
    console.print(f"error: {text}", style="red" if console.is_terminal else None, markup=False,
                  soft_wrap=True)  # fmt: skip
