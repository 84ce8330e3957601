"""Promises about the source itself."""

import ast
import re
from functools import lru_cache
from pathlib import Path

import grimp
import pytest

from workbench.analysis.aggregate import AGGREGATORS
from workbench.analysis.aggregate.pruning import PRUNERS
from workbench.analysis.figures import FIGURES
from workbench.analysis.tables import TABLES
from workbench.generate import BACKENDS
from workbench.metrics import METRICS
from workbench.rewards import REWARDS
from workbench.tasks import TASKS
from workbench.tasks.checkers import CHECKERS

ROOT = Path(__file__).parents[1]
SOURCES = sorted([*ROOT.glob("workbench/**/*.py"), *ROOT.glob("analysis/**/*.py")])
TESTS = sorted(ROOT.glob("tests/**/*.py"))


def name_of(path):
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_module_says_what_it_is_for_and_fits_in_one_sitting(path):
    text = path.read_text()
    assert ast.get_docstring(ast.parse(text)), "start the module with one line on its purpose"
    assert text.count("\n") <= 350, "split the module"


@pytest.mark.parametrize("path", TESTS, ids=name_of)
def test_a_test_file_fits_in_one_sitting(path):
    assert path.read_text().count("\n") <= 350, "split the file"


@lru_cache
def names_in(path):
    """The modules that a test file names, with the packages they are in."""
    named = set()
    for name in re.findall(r"\bworkbench(?:\.\w+)+", path.read_text()):
        parts = name.split(".")
        named |= {".".join(parts[:end]) for end in range(1, len(parts) + 1)}
    return named


@pytest.fixture(scope="module")
def graph():
    return grimp.build_graph("workbench", cache_dir=None)


def module_of(path):
    """``workbench/analysis`` is a link to the folder ``analysis``."""
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return f"workbench.{name}" if name.startswith("analysis.") else name


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_every_module_has_its_tests(path, graph):
    """By name, by import, or through a module of its package that uses it, tested beside it."""
    beside = ROOT / "tests" / path.relative_to(ROOT).parent
    module = module_of(path)
    if path.name == "__init__.py" or (beside / f"test_{path.name}").exists():
        return
    package = module.rpartition(".")[0]
    users = [
        user
        for user in graph.find_downstream_modules(module)
        if package in (user, user.rpartition(".")[0])
    ]
    named = any(module in names_in(test) for test in TESTS)
    assert named or any(names_in(test) & {*users} for test in beside.glob("test_*.py")), (
        f"no test imports {module}: write {beside.relative_to(ROOT)}/test_{path.name}"
    )


# The names that an experiment may give, and the README and the part of it that says what each is.
TABLES_OF_NAMES = {
    "metric": (METRICS, "workbench/README.md", "the table under 'Metrics'"),
    "reward": (REWARDS, "workbench/README.md", "the table under 'Rewards'"),
    "task": (TASKS, "experiments/README.md", "the table of 'Where problems come from'"),
    "backend": (BACKENDS, "experiments/README.md", "the table of 'Where samples come from'"),
    "comparison": (CHECKERS, "experiments/README.md", "the table of 'How answers are compared'"),
    "aggregator": (AGGREGATORS, "analysis/README.md", "the table under 'Selections'"),
    "pruner": (PRUNERS, "analysis/README.md", "the table under 'Pruning'"),
    "table": (TABLES, "analysis/README.md", "the tables under 'Tables'"),
    "figure": (FIGURES, "analysis/README.md", "the table under 'Figures'"),
}


@pytest.mark.parametrize(
    ("kind", "name"),
    [(kind, name) for kind, (table, *_) in TABLES_OF_NAMES.items() for name in table],
)
def test_every_name_is_in_the_readme(kind, name):
    _, page, part = TABLES_OF_NAMES[kind]
    rows = re.findall(r"^\|(.*?)\| ", (ROOT / page).read_text(), re.MULTILINE)
    if kind in ("task", "backend"):  # named in the second cell
        rows = re.findall(r"^\|(.*)", (ROOT / page).read_text(), re.MULTILINE)
    assert any(f"`{name}`" in row for row in rows), (
        f"describe the {kind} `{name}` in {page}, {part}"
    )


def test_nothing_is_random_without_a_generator():
    for path in SOURCES:
        text = path.read_text()
        assert not re.search(r"np\.random\.(?!Generator|default_rng)", text), path
        assert not re.search(r"^\s*import random\b", text, re.MULTILINE), path


def test_every_experiment_has_a_name_of_its_own_file():
    import yaml

    for path in (ROOT / "experiments").glob("*.yaml"):
        assert yaml.safe_load(path.read_text())["name"] == path.stem
        assert f"[`{path.name}`]" in (ROOT / "experiments" / "README.md").read_text()


def test_one_class_name_is_one_thing():
    named = [
        node.name
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
    ]
    twice = {name for name in named if named.count(name) > 1}
    assert not twice, f"give one of the two another name: {twice}"
