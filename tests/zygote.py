"""A process that has imported the workbench, and forks a command line off itself when asked.

A start of the command line takes seconds of imports, and the tests make hundreds of starts. Each
child here is a process of its own, with its own exit code, output and signals, in a tenth of a
second. The arguments are the address of a socket and further modules to import. Who connects gets
a fork of this process; requests and answers are JSON, a line each. The process goes into the
background once it can be connected to, and ends with the last connection.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import socket
import sys
import time
import traceback
import warnings
from contextlib import suppress
from pathlib import Path
from typing import TextIO

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


def answer_all(lines: TextIO) -> None:
    """Answer the requests of one connection until it ends."""
    for line in lines:
        request = json.loads(line)
        answer: int | str
        if "import" in request:
            for name in request["import"]:
                importlib.import_module(name)
            answer = "imported"
        elif "wait" in request:
            _, status = os.waitpid(request["wait"], 0)
            answer = os.waitstatus_to_exitcode(status)
        else:
            answer = os.fork()
            if not answer:
                lines.close()
                signal.signal(signal.SIGINT, signal.default_int_handler)
                code = child(request)
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        lines.write(json.dumps(answer) + "\n")
        lines.flush()


def serve(server: socket.socket) -> None:
    """Fork off who answers, for each connection, until the last has ended."""
    server.settimeout(1)
    answering: set[int] = set()
    end = time.monotonic() + 60  # of the wait for the first
    while answering or time.monotonic() < end:
        with suppress(TimeoutError):
            connection, _ = server.accept()
            connection.settimeout(None)
            if not (pid := os.fork()):
                server.close()
                answer_all(connection.makefile("rw"))
                os._exit(0)
            answering.add(pid)
            connection.close()
            end = 0
        answering -= {pid for pid in answering if os.waitpid(pid, os.WNOHANG)[0]}


def compile_loops() -> None:
    """Load numba and the loops of the metrics and votes, which each child would do for itself."""
    import numpy as np

    from workbench.analysis.aggregate.outcomes import exact_means
    from workbench.config.schema import Measure, Selection
    from workbench.measure.evaluate import compute_all
    from workbench.metrics import METRICS
    from workbench.pools import Pool

    ones = np.ones(4)
    pool = Pool(
        problem_id="p", temperature=1.0, texts=("a b", "a b", "c d", ""), logprobs=-ones,
        entropies=ones, num_tokens=np.array([2, 2, 2, 1]), answers=("1", "1", "2", None),
        clusters=np.array([0, 0, 1, -1]), correct=ones, statuses=("answered",) * 4, rewards={},
        embeddings=np.eye(4),
    )  # fmt: skip
    compute_all(list(METRICS), pool, np.array([[0, 1], [2, 3]]), Measure())
    exact_means(pool, np.array([2]), Selection(aggregators=("maj",)))


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import typer.main  # noqa: F401

    import workbench.analysis.aggregate
    import workbench.analysis.figures.chart
    import workbench.analysis.report
    import workbench.cli.run_stages  # noqa: F401
    from workbench.models.text_encoder import _load

    _load("all-MiniLM-L6-v2", "float32")
    from reasoning_gym.arithmetic import chain_sum  # noqa: F401

    address, *modules = sys.argv[1:]
    if modules:  # vLLM, which cannot start an engine where numba is loaded
        for name in modules:
            importlib.import_module(name)
    else:
        compile_loops()
    gc.freeze()  # or each child would go through all those modules' objects again and again
    Path(address).unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen()
        if not os.fork():
            serve(server)
    os._exit(0)  # without the seconds in which all those modules are taken down
