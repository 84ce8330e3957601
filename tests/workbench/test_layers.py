"""Dependencies point one way, and the light half loads nothing heavy."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {
    "torch", "transformers", "vllm", "sentence_transformers", "wandb", "altair", "datasets",
    "vl_convert", "statsmodels", "openai", "httpx2",
}  # fmt: skip
LIGHT = [
    "workbench", "workbench.metrics", "workbench.subsets", "workbench.config",
    "workbench.experiment", "workbench.generate", "workbench.generate.stage", "workbench.score",
    "workbench.measure", "workbench.run", "workbench.pipeline", "workbench.track", "workbench.cli",
]  # fmt: skip
DOORS = {
    f"workbench/{name}.py"
    for name in ("cli", "cli_formats", "cli_pages", "cli_rewards", "cli_tracking")
}
ONLY = {  # the modules that may import a package, wherever in the file
    "wandb": {"workbench/track.py", "workbench/dashboard.py"},
    "wandb_workspaces": {"workbench/dashboard.py"},
    "vllm": {"workbench/generate/vllm.py"},
    "openai": {"workbench/generate/openai.py"},
    "sentence_transformers": {"workbench/embed.py"},
    "altair": {"analysis/figures/chart.py"},
    "vl_convert": {"analysis/figures/chart.py", "analysis/page/build.py"},
    "jinja2": {"analysis/page/build.py", "workbench/rewards/signs.py"},
    "typer": DOORS,
}
FRONT_DOORS = {*DOORS, "workbench/__init__.py"}
SOURCES = sorted([*ROOT.glob("workbench/**/*.py"), *ROOT.glob("analysis/**/*.py")])


def imports(path):
    """(top-level package, whether at the top of the file) of each import in a file."""
    tree = ast.parse(path.read_text())
    guarded = [n for n in tree.body if isinstance(n, ast.If)]  # if TYPE_CHECKING
    hidden = {id(n) for g in guarded for n in ast.walk(g)}
    for node in ast.walk(tree):
        if id(node) in hidden:
            continue
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
        for name in names:
            yield name.partition(".")[0], node in tree.body


@pytest.mark.parametrize("module", LIGHT)
def test_the_light_half_loads_nothing_heavy(module):
    code = f"import sys, {module}; print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    loaded = {name.partition(".")[0] for name in run.stdout.split()}
    assert not loaded & HEAVY
    assert "analysis" not in loaded


@pytest.mark.parametrize("package", ONLY)
def test_a_package_has_one_door(package):
    users = {
        path.relative_to(ROOT).as_posix()
        for path in SOURCES
        if package in {name for name, _ in imports(path)}
    }
    assert users <= ONLY[package]
    assert users  # or the name is wrong and the test proves nothing


def test_the_workbench_does_not_import_the_analysis():
    for path in SOURCES:
        name = path.relative_to(ROOT).as_posix()
        if name.startswith("workbench/") and name not in FRONT_DOORS:
            assert "analysis" not in {package for package, _ in imports(path)}, name
    for name in FRONT_DOORS:  # and these only when they are asked for something
        at_the_top = {package for package, top in imports(ROOT / name) if top}
        assert "analysis" not in at_the_top


def test_no_source_imports_a_test_or_a_notebook():
    for path in SOURCES:
        assert not {name for name, _ in imports(path)} & {"tests", "notebooks"}, path
