import subprocess
import sys
from pathlib import Path

import numpy as np

from workbench.core.jit import compiled


@compiled
def running_sum(values, start):
    """Add up."""
    total = np.empty(len(values))
    for place in range(len(values)):
        start += values[place]
        total[place] = start
    return total


def test_a_compiled_function_gives_what_it_says():
    values = np.random.default_rng(0).normal(size=100)
    assert np.allclose(running_sum(values, 1.0), 1.0 + np.cumsum(values), rtol=1e-14)
    assert running_sum.__doc__ == "Add up."


def test_the_compiler_is_loaded_at_the_first_call():
    code = "import sys, workbench.measure.stage, analysis.report; print('numba' in sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        cwd=Path(__file__).parents[3],
    )  # fmt: skip
    assert run.stdout.strip() == "False"
