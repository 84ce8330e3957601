import ast
import subprocess
import sys
from pathlib import Path

import numpy as np

from workbench.core.jit import compiled

ROOT = Path(__file__).parents[3]
QUICKLY_COMPILED = {"exp", "inf", "int64", "isnan", "rint", "sqrt", "uint64", "zeros"}


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
    code = "import sys, workbench.analysis.report; print('numba' in sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        cwd=ROOT,
    )  # fmt: skip
    assert run.stdout.strip() == "False"


def compiled_functions():
    for path in [*ROOT.glob("workbench/**/*.py"), *ROOT.glob("analysis/**/*.py")]:
        if "@compiled" in (text := path.read_text()):
            for node in ast.parse(text).body:
                if isinstance(node, ast.FunctionDef) and any(
                    getattr(mark, "id", "") == "compiled" for mark in node.decorator_list
                ):
                    yield f"{path.stem}.{node.name}", node


def slow_to_compile(function):
    """What takes numba a second or more each: most of numpy, and arrays assigned as a whole."""
    for node in (part for line in function.body for part in ast.walk(line)):
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "np":
            if node.attr not in QUICKLY_COMPILED:
                yield f"np.{node.attr}"
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
            yield "@"
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
            slices = [part for part in ast.walk(node.slice) if isinstance(part, ast.Slice)]
            yield from [ast.unparse(node)] * bool(slices)


def test_compiled_functions_are_loops_over_arrays_that_they_are_given():
    found = {name: [*slow_to_compile(body)] for name, body in compiled_functions()}
    assert len(found) > 10
    assert {name: slow for name, slow in found.items() if slow} == {}


def test_what_is_slow_to_compile_is_seen():
    text = (
        "def f(a, b):\n    a[:] = b\n    a[1, :2] += b\n    return np.full(3, a @ b) + np.exp(a[0])"
    )
    assert sorted(slow_to_compile(ast.parse(text).body[0])) == ["@", "a[1, :2]", "a[:]", "np.full"]
