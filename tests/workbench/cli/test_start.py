"""Ctrl-C from the first moment on: no traceback, whatever is being imported."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
INTERRUPTED = """
import os, signal, sys
class Interrupt:
    def find_spec(self, name, *rest):
        if name == {name!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupt())
sys.argv = ["workbench", "validate", "experiments/quickstart.yaml"]
from workbench.cli.start import main
main()
"""


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("workbench.cli.app", -signal.SIGINT),
        ("typer", -signal.SIGINT),
        ("workbench.experiment", 130),
        ("workbench.nothing", 0),
    ],
)
def test_an_interrupt_during_an_import_is_no_traceback(name, code):
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED.format(name=name)], cwd=ROOT, check=False,
        capture_output=True, text=True, timeout=60, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert ("stopped; what is finished is kept" in done.stderr) == (code == 130)
