"""Command lines as processes of their own, forked off one that has imported the workbench."""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent

# No hub, no account, and one thread: the zygote forks, which threads of its own would not survive.
QUIET = {
    "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false",
    "PYTHONPATH": str(ROOT),
}  # fmt: skip

# One process, one thread and little memory for an engine of vLLM. Without torch's compiler, which
# takes five seconds in each engine that keeps entropies.
QUIET_ENGINE = {
    "VLLM_LOGGING_LEVEL": "ERROR", "VLLM_NO_USAGE_STATS": "1", "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind", "TORCHDYNAMO_DISABLE": "1",
}  # fmt: skip
ENGINE_MODULES = ("vllm", "vllm.entrypoints.llm", "vllm.entrypoints.openai.api_server")

# What takes most of the time of a small run, and is looked at by few tests.
ONLY = """
from workbench.analysis.{kind} import {KIND}
for name in {{*{KIND}}} - {names!r}:
    del {KIND}[name]
"""
SUMMED_UP = {
    "accuracy_by_k", "accuracy_by_temperature", "accuracy_by_k_temperature", "coverage_curve",
    "statuses", "budget",
}  # fmt: skip
"""Tables that an analysis cannot do without, as the scalars of the tracked run are made of them."""
NOT_PRINTED = "import workbench.analysis.last_screen as m; m.finish = lambda root: None\n"


@dataclass
class Child:
    """A command line that is running, or has ended with ``code``."""

    cli: "CommandLine"
    pid: int
    folder: Path
    code: int | None = None

    @property
    def out(self):
        return self._said("out")

    @property
    def err(self):
        return self._said("err")

    def _said(self, name):
        """Nothing yet, where the process has not come to open its streams."""
        place = self.folder / name
        return place.read_text() if place.exists() else ""

    def wait(self):
        if self.code is None:
            self.code = self.cli.ask({"wait": self.pid})
        return self

    def stop(self, number=signal.SIGKILL):
        """Send a signal and wait for the end."""
        os.kill(self.pid, number)
        return self.wait()

    def until(self, there, seconds=180):
        """Wait until ``there()`` is true, while it runs."""
        end = time.monotonic() + seconds
        while not there():
            assert time.monotonic() < end, f"waited {seconds} s in vain; stderr: {self.err}"
            time.sleep(0.002)
        return self

    def refuses(self, *words, code=1):
        """Check that it ended in an error of a few clear lines which say all of ``words``."""
        self.wait()
        assert self.code == code, self.err
        assert "Traceback" not in self.err
        assert self.err.count("\nerror: ") + self.err.startswith("error: ") == 1, self.err
        told = self.err[self.err.index("error: ") :]
        assert len(told.strip().splitlines()) <= 3, told
        for word in words:
            assert word in told, told
        return told


class CommandLine:
    """Starts command lines as processes of their own, by way of ``zygote.py``.

    Each imports ``modules`` only once for all of them. ``shared`` is a folder of all workers of
    the tests: the first to come starts the zygote there, and the last to leave ends it.
    """

    def __init__(self, folder, shared, modules=()):
        self.folder = folder
        self.children = []
        env = {k: v for k, v in os.environ.items() if not k.startswith("WANDB_")} | QUIET
        env |= QUIET_ENGINE if modules else {}
        address = shared / ("engine.socket" if modules else "cli.socket")
        command = [sys.executable, str(ROOT / "tests" / "zygote.py"), str(address), *modules]
        with open(address.with_suffix(".lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                self.connect(address)
            except (OSError, ValueError):  # none yet, or just ended
                subprocess.run(command, cwd=shared, env=env, check=True)
                self.connect(address)

    def connect(self, address):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(address))
            self.lines = connection.makefile("rw")
        self.load()

    def ask(self, request):
        self.lines.write(json.dumps(request) + "\n")
        self.lines.flush()
        return json.loads(self.lines.readline())

    def load(self, *modules):
        """Import what the command lines from now on would each import for themselves."""
        assert self.ask({"import": modules}) == "imported"

    def start(self, *args, before="", cwd=None, figures=(), tables=(), printed=False):
        """Start ``workbench *args``; ``before`` is Python to run first in the child.

        Args:
            figures: names of those that an analysis draws; True is all of them.
            tables: names of those that it makes beside SUMMED_UP; True is all of them.
            printed: whether ``run`` and ``analyze`` write the page and print the last screen.
        """
        if figures is not True:
            before = ONLY.format(kind="figures", KIND="FIGURES", names={*figures}) + before
        if args[:1] in [("run",), ("analyze",)] and tables is not True:
            names = {*tables} | SUMMED_UP
            before = ONLY.format(kind="tables", KIND="TABLES", names=names) + before
        if args[:1] in [("run",), ("analyze",)] and not printed:
            before = NOT_PRINTED + before
        folder = self.folder / f"child-{len(self.children)}"
        folder.mkdir()
        (folder / "err").touch()
        request = {
            "args": [str(arg) for arg in args], "before": before, "cwd": str(cwd or self.folder),
            "out": str(folder / "out"), "err": str(folder / "err"),
        }  # fmt: skip
        self.children.append(Child(self, self.ask(request), folder))
        return self.children[-1]

    def __call__(self, *args, **options):
        """Run ``workbench *args`` to its end."""
        return self.start(*args, **options).wait()

    def must(self, *args, **options):
        """Run ``workbench *args``, which has to succeed."""
        child = self(*args, **options)
        assert child.code == 0, child.err
        return child

    def close(self):
        for child in self.children:
            if child.code is None:  # of a test that failed
                child.stop()
        self.lines.close()
