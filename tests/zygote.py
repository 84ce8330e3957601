"""A process that has imported the workbench, and forks a command line off itself when asked.

A start of the command line takes seconds of imports, and the tests make hundreds of starts. Each
child here is a process of its own, with its own exit code, output and signals, in a tenth of a
second. Requests and answers are JSON, a line each, on stdin and stdout.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
import warnings

warnings.simplefilter("ignore")  # torch warns at import


def child(request: dict[str, object]) -> int:
    """Be the command line; return its exit code."""
    for number, name in ((1, "out"), (2, "err")):
        target = os.open(str(request[name]), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(target, number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(str(request["cwd"]))
    sys.argv = ["workbench", *request["args"]]  # type: ignore[misc]
    try:
        exec(str(request["before"]), {})  # what a test breaks on purpose
        from workbench.cli.app import main

        main()
    except SystemExit as ending:
        if isinstance(ending.code, str):
            print(ending.code, file=sys.stderr)
            return 1
        return int(ending.code or 0)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def serve() -> None:
    """Answer requests until stdin ends."""
    for line in sys.stdin:
        request = json.loads(line)
        if "wait" in request:
            _, status = os.waitpid(request["wait"], 0)
            answer = os.waitstatus_to_exitcode(status)
        else:
            answer = os.fork()
            if not answer:
                signal.signal(signal.SIGINT, signal.default_int_handler)
                code = child(request)
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import analysis.aggregate
    import analysis.figures.chart
    import analysis.report  # noqa: F401
    import workbench.cli.run_stages  # noqa: F401
    from workbench.models.text_encoder import _load

    _load("all-MiniLM-L6-v2", "float32")
    from reasoning_gym.arithmetic import chain_sum  # noqa: F401

    print(json.dumps("ready"), flush=True)
    serve()
