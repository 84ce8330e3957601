"""Makes the texts of ``results/tour`` that anyone can make again: the help and last screens.

``python -m tests.tour`` writes them into ``results/tour``, and into the tour of
``results/README.md`` in the place of those before; ``test_tour.py`` compares them with what is
printed today.
"""

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from workbench.analysis.last_screen import last_screen
from workbench.saved_run import Run

ROOT = Path(__file__).parent.parent
TOUR = ROOT / "results" / "tour"
REFERENCE = "last_screen.txt"
"""The last screen of ``make quickstart``, of the run that is kept in ``results/reference``."""
TEXTS = "tests/files/newcomers"
COMMANDS = {
    "help.txt": ["workbench --help"],
    "last_screen_doubtful.txt": [
        f"workbench run {TEXTS}/word_problems.yaml --set generation.backend=replay"
        f" --set generation.engine.samples={TEXTS}/word_problems_samples.jsonl"
        " --set 'measure.metrics=[num_tokens]' --set 'selection.aggregators=[maj, best]'"
    ],
    "last_screen_import.txt": [
        f"workbench import {TEXTS}/capitals_samples.jsonl --column correct=right"
        " --out results/capitals --set 'measure.metrics=[num_tokens]' --set 'measure.k=[2, 4]'"
        " --set 'selection.aggregators=[maj]'",
        "workbench run results/capitals",
    ],
}
"""By file, the commands whose output it shows."""

START = "import sys; sys.argv[0] = 'workbench'; from workbench.cli.app import main; main()"

RunCommand = Callable[[list[str], Path], str]
"""(arguments of ``workbench``, working directory) -> what it prints."""


def made(name: str, run_command: RunCommand, home: Path) -> str:
    """Return a text of the tour, made in the folder ``home``, which is empty at first."""
    if name == REFERENCE:
        here = Path.cwd()
        os.chdir(ROOT)
        screen = last_screen(Run("results/reference"))
        os.chdir(here)
        return f"{screen.strip()}\n"
    (home / "tests").symlink_to(ROOT / "tests")
    shown = []
    for command in COMMANDS[name]:
        printed = run_command(shlex.split(command)[1:], home).strip()
        lines = command.replace(" --", " \\\n    --") if len(command) > 100 else command
        shown.append(f"$ {lines}\n{printed}\n")
    return "\n".join(shown)


def _as_a_process(args: list[str], home: Path) -> str:
    env = os.environ | {"PYTHONPATH": str(ROOT), "WANDB_MODE": "disabled", "COLUMNS": "100"}
    command = [sys.executable, "-c", START, *args]
    done = subprocess.run(command, cwd=home, env=env, check=True, text=True, capture_output=True)
    return done.stdout


def main() -> None:
    """Write the texts."""
    readme = ROOT / "results" / "README.md"
    for name in (REFERENCE, *COMMANDS):
        with tempfile.TemporaryDirectory() as home:
            text = made(name, _as_a_process, Path(home))
        before = (TOUR / name).read_text() if (TOUR / name).exists() else ""
        (TOUR / name).write_text(text)
        if before.strip():
            readme.write_text(readme.read_text().replace(before.strip(), text.strip()))


if __name__ == "__main__":
    main()
