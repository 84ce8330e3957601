"""How a command ends: with an exit code, and after a mistake with one clear message.

A person never sees a traceback for a mistake of their own or a fault of the machine.
"""

import errno
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

ADVICE = {
    errno.ENOSPC: "the disk is full; free some space and run the same command again",
    errno.EDQUOT: "the disk quota is used up; free some space and run the same command again",
    errno.EACCES: "no permission to write there; choose another folder with --out",
    errno.EROFS: "that disk is read-only; choose another folder with --out",
    errno.ENOTDIR: "a file is in the way; choose another folder with --out",
    errno.EEXIST: "a file is in the way; choose another folder with --out",
}
"""What to do about an error of the operating system, by its number."""

SECONDS_TO_SEND_AGAIN = 0.1
"""Time after which a signal is sent again that Python ignored."""
MOST_LINES = 10
"""Lines of a message: more push what was said first off a small terminal."""
LONGEST_LINE = 1000
"""Characters of one of them: a fault that quotes a long path or text has room."""


class Stopped(BaseException):
    """Told to stop, by which signal. It is no ``Exception``, so nothing mistakes it for one."""

    def __init__(self, signum: int) -> None:
        """Remember which signal it was, for the exit code."""
        super().__init__(signum)
        self.signum = signum


@contextmanager
def stoppable() -> Iterator[None]:
    """Turn SIGINT and SIGTERM into ``Stopped``, so that open files are closed on the way out.

    In a weak reference's callback or a destructor Python ignores every exception. A signal that
    comes just then is sent again.
    """

    def stop(signum: int, frame: FrameType | None) -> None:
        raise Stopped(signum)

    def report(ignored: "sys.UnraisableHookArgs") -> None:
        if isinstance(ignored.exc_value, Stopped):  # later, or it would be ignored here as well
            again = (os.getpid(), ignored.exc_value.signum)
            timer = threading.Timer(SECONDS_TO_SEND_AGAIN, os.kill, again)
            timer.daemon = True  # no command waits for it
            timer.start()
        else:
            hook(ignored)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    hook, sys.unraisablehook = sys.unraisablehook, report
    try:
        yield
    finally:
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)


def exit_code_of(command: Callable[[], Any]) -> int:
    """Run a command and return the exit code of the process.

    Returns:
        0 when it succeeds; 1 after a mistake of the user (``ValueError``), an error of the
        operating system (``OSError``) or any error of a plug-in, which is printed to stderr; 128 +
        the signal's number when it was told to stop.

    Example:
        >>> def stop():
        ...     raise Stopped(15)
        >>> exit_code_of(stop)
        143
    """
    try:
        with stoppable():
            command()
    except Exception as fault:
        from workbench.core.console import console  # rich: a tenth of a second otherwise spared
        from workbench.core.plugins import blamed

        text = blamed(fault)  # whatever a plug-in raises is the message to its author
        if not text and not isinstance(fault, ValueError | OSError):
            raise
        text = text or (_explain(fault) if isinstance(fault, OSError) else str(fault))
        style = "red" if console.is_terminal else None
        console.print(f"error: {_in_few_lines(text)}", style=style, markup=False, soft_wrap=True)
        return 1
    except Stopped as stopped:
        from workbench.core.console import notice

        notice("stopped; what is finished is kept, and the same command goes on from there")
        return 128 + stopped.signum
    return 0


def _in_few_lines(text: str) -> str:
    """Return a message cut to what fits on a terminal; what it quotes may be of any length."""
    lines = text.strip().splitlines()
    if len(lines) > MOST_LINES:
        hidden = len(lines) - MOST_LINES + 1
        lines = [*lines[: MOST_LINES - 1], f"... and {hidden:,} more lines"]
    return "\n".join(
        line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE - 3]}..." for line in lines
    )


def _explain(fault: OSError) -> str:
    if fault.errno is None:  # raised by the hub's client: a model or data set that does not load
        reason = " ".join(str(fault).split())
        return f"{reason}; without the network, give a local folder. What is finished is kept"
    where = f" ({fault.filename})" if fault.filename else ""
    advice = ADVICE.get(fault.errno, "what is finished is kept")
    return f"{fault.strerror or fault}{where}: {advice}"
