"""Promises about the source itself."""

import ast
import re
from pathlib import Path

import pytest

from analysis.aggregate import AGGREGATORS
from analysis.tables import TABLES
from workbench.generate import BACKENDS
from workbench.metrics import METRICS
from workbench.prune import PRUNERS
from workbench.rewards import REWARDS
from workbench.tasks import TASKS

ROOT = Path(__file__).parents[1]
SOURCES = sorted([*ROOT.glob("workbench/**/*.py"), *ROOT.glob("analysis/**/*.py")])
TESTS = sorted(ROOT.glob("tests/**/*.py"))

COVERED = {  # tested where it is used
    "analysis/__init__.py": "tests/analysis/test_tables.py",
    "analysis/data.py": "tests/analysis/test_tables.py",
    "analysis/figures/__init__.py": "tests/analysis/figures/test_figures.py",
    "analysis/page/__init__.py": "tests/analysis/page/test_report.py",
    "analysis/printing.py": "tests/workbench/test_cli.py",
    "workbench/cells.py": "tests/analysis/test_render.py",
    "workbench/compute.py": "tests/workbench/test_measure.py",
    "workbench/survey.py": "tests/workbench/test_imports.py",
    "workbench/rows.py": "tests/workbench/test_records.py",
    "workbench/cli_formats.py": "tests/test_formats.py",
    "workbench/exports/__init__.py": "tests/workbench/exports/test_all_exports.py",
    "workbench/exports/hub_dataset.py": "tests/workbench/exports/test_all_exports.py",
    "workbench/exports/inspect_log.py": "tests/workbench/exports/test_all_exports.py",
    "workbench/exports/jsonl.py": "tests/workbench/exports/test_all_exports.py",
    "workbench/exports/lm_eval.py": "tests/workbench/exports/test_all_exports.py",
    "workbench/exports/outgoing.py": "tests/workbench/exports/test_all_exports.py",
    "workbench/formats/__init__.py": "tests/workbench/formats/test_finding.py",
    "workbench/formats/jsonl.py": "tests/workbench/test_records.py",
    "workbench/formats/parquet.py": "tests/workbench/formats/test_finding.py",
    "workbench/formats/peek.py": "tests/workbench/formats/test_finding.py",
    "workbench/formats/places.py": "tests/workbench/test_records.py",
    "workbench/__init__.py": "tests/workbench/test_run.py",
    "workbench/ending.py": "tests/test_bad_input.py",
    "workbench/lookup.py": "tests/workbench/test_run.py",
    "workbench/types.py": "tests/workbench/test_pools.py",
    "workbench/version.py": "tests/workbench/test_cli.py",
    "workbench/settings.py": "tests/workbench/test_config.py",
    "workbench/signature.py": "tests/workbench/test_pipeline.py",
    "workbench/rewards/__init__.py": "tests/workbench/test_score.py",
    "workbench/rewards/said.py": "tests/workbench/rewards/test_ratios.py",
    "workbench/generate/identity.py": "tests/workbench/generate/test_stage.py",
    "workbench/generate/__init__.py": "tests/workbench/generate/test_stage.py",
    "workbench/tasks/__init__.py": "tests/workbench/tasks/test_all_tasks.py",
    "workbench/metrics/__init__.py": "tests/workbench/metrics/test_all_metrics.py",
    "analysis/aggregate/__init__.py": "tests/analysis/aggregate/test_aggregators.py",
}


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


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_every_module_has_its_tests(path):
    name = name_of(path)
    mirrored = f"tests/{path.relative_to(ROOT).parent.as_posix()}/test_{path.name}"
    assert (ROOT / COVERED.get(name, mirrored)).exists()


TABLES_OF_NAMES = {
    "metric": METRICS, "aggregator": AGGREGATORS, "task": TASKS, "backend": BACKENDS,
    "pruner": PRUNERS, "reward": REWARDS, "table": TABLES,
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, table in TABLES_OF_NAMES.items() for name in table]
)
def test_every_name_is_in_the_readme(kind, name):
    assert f"`{name}`" in (ROOT / "README.md").read_text(), f"say what the {kind} is"


@pytest.mark.parametrize("folder", ["metrics", "tasks", "rewards", "formats", "exports"])
def test_every_file_of_names_is_imported_by_its_table(folder):
    home = ROOT / "workbench" / folder
    table = (home / "__init__.py").read_text()
    helpers = {
        "problems", "math_answers", "math_forms", "math_worker", "compare", "choices", "signs",
        "next_token", "__init__",
        "encodings", "forced", "kept", "reading", "said", "sequences", "under",
        "finding", "json_stream", "peek", "places", "outgoing",
    }  # fmt: skip
    used_elsewhere = {"passk"}  # an estimator of a pool, not a metric of a subset
    for path in home.glob("*.py"):
        if path.stem not in helpers | used_elsewhere:
            assert re.search(rf"\b{path.stem}\b", table), f"{path.name} has no line in its table"


def test_nothing_is_random_without_a_generator():
    for path in SOURCES:
        text = path.read_text()
        assert not re.search(r"np\.random\.(?!Generator|default_rng)", text), path
        assert not re.search(r"^\s*import random\b", text, re.MULTILINE), path


def test_every_experiment_has_a_name_of_its_own_file():
    import yaml

    for path in (ROOT / "experiments").glob("*.yaml"):
        assert yaml.safe_load(path.read_text())["name"] == path.stem
