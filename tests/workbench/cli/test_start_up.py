"""Commands that only print load nothing heavy: module sets are tested, since times vary."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
HEAVY = {
    "altair", "datasets", "matplotlib", "numba", "pandas", "pyarrow", "rich", "scipy", "sklearn",
    "statsmodels", "sympy", "torch", "transformers", "vllm", "wandb",
}  # fmt: skip


def loaded_by(*args):
    """Packages in memory when a command line has ended, the top level and the next."""
    code = (
        "import sys\n"
        f"sys.argv = {['workbench', *args]!r}\n"
        "from workbench.cli.app import main\n"
        "try:\n    main()\n"
        "except SystemExit as ending:\n    assert not ending.code, ending.code\n"
        "print(*sys.modules, file=sys.stderr)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert run.stdout
    return {".".join(name.split(".")[:deep]) for name in run.stderr.split() for deep in (1, 2)}


HINT = "`python -X importtime -m workbench.cli.app validate FILE` shows which module imports it"


@pytest.mark.parametrize("args", [["--help"], ["--version"], ["run", "-h"], ["doctor", "-h"]])
def test_help_loads_nothing_heavy(args):
    loaded = loaded_by(*args)
    assert not loaded & {*HEAVY, "numpy"}
    assert "typer" in loaded  # or this tests nothing


@pytest.mark.parametrize("name", ["quickstart", "gsm8k", "jsonl"])
def test_validate_loads_nothing_heavy(name):
    loaded = loaded_by("validate", f"experiments/{name}.yaml")
    heavy = HEAVY - {"scipy"}  # its special functions say what a study will see
    heavy |= {"scipy.linalg", "scipy.optimize", "scipy.sparse", "scipy.stats"}
    found = loaded & heavy
    assert not found, f"import {found} within a function, or for types alone: {HINT}"
    assert "pydantic" in loaded
