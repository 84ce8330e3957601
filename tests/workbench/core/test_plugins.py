"""Loading plug-ins: files, modules and installed packages, and each way in which one fails."""

import subprocess
import sys
from pathlib import Path

import pytest

from workbench.core import plugins
from workbench.core.name_table import NOT_LOADED
from workbench.core.parallel import spread
from workbench.core.plugins import PluginError, load_installed, load_plugins, loaded
from workbench.metrics import METRICS
from workbench.tasks import TASKS

METRIC = """
from workbench.metrics import METRICS, Metric

METRICS["{name}"] = Metric(
    fn=lambda num_tokens, subsets: {factor} * num_tokens[subsets].max(axis=1),
    needs=("num_tokens", "subsets"), label="longest [tokens]", summary="the longest",
    larger_means="neither",
)
"""


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    """What a test loads is gone after it."""
    monkeypatch.setattr(plugins, "_LOADED", {})
    monkeypatch.setattr(plugins, "_ROWS_OF_MODULES", {})
    monkeypatch.setattr(plugins, "_INSTALLED", None)
    held = {id(table): (table, dict(table), dict(table.added_by)) for table in plugins.NAME_TABLES}
    yield
    for table, rows, added_by in held.values():
        table.clear()
        table.update(rows)
        table.added_by = added_by
    NOT_LOADED.clear()


@pytest.fixture
def plugin(tmp_path):
    """A function that writes a plug-in of this text, or of a metric, and returns its path."""

    def write(text=None, *, file="mine.py", name="longest", factor=1.0):
        path = tmp_path / file
        path.write_text(METRIC.format(name=name, factor=factor) if text is None else text)
        return str(path)

    return write


def test_a_file_adds_a_metric_and_its_hash(plugin):
    path = plugin()
    load_plugins([path])
    (one,) = loaded()
    assert one.adds == {"metric": ["longest"]}
    assert METRICS.hashes(["longest", "dpp"]) == {"longest": one.sha256}
    load_plugins([path])  # which is no second row of the same name
    assert loaded() == (one,)


def test_a_file_that_has_changed_is_executed_again(plugin):
    load_plugins([plugin()])
    before = METRICS.hashes(["longest"])
    load_plugins([plugin(name="longest_too")])
    assert "longest" not in METRICS
    assert METRICS.hashes(["longest_too"]) != before
    assert len(loaded()) == 1


def test_a_copy_of_a_file_stands_for_it(plugin):
    load_plugins([plugin(), plugin(file="copy.py")])
    assert len(loaded()) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = 1\ny = undefined\n", ["mine.py, line 2: NameError", "'undefined'"]),
        ("def f(:\n", ["mine.py, line 1: SyntaxError"]),
        ("\n\nimport mine_too\n", ["line 3: ModuleNotFoundError", "not the files beside it"]),
        ("import sys\nsys.exit('enough')\n", ["line 2: SystemExit: enough"]),
        ("raise KeyError('a\\nb')\n", ["line 1: KeyError"]),
        ("import json\njson.loads('{')\n", ["mine.py, line 2: JSONDecodeError"]),
        ("from workbench.metrics import METRICS\nMETRICS['dpp'] = METRICS['cos_sim']\n",
         ["a metric 'dpp' already, of the workbench itself", "another name"]),
        ("from workbench.metrics import METRICS\nMETRICS['x'] = max\n",
         ["the metric 'x' must be a Metric, got builtin_function_or_method"]),
        ("x = 1\n", ["mine.py adds nothing; a plug-in writes a row into a table"]),
        (METRIC.format(name="x", factor=1).replace("num_tokens, subsets:", "num_tokens:"),
         ["line 4: TypeError: fn is called with 2 arguments (num_tokens, subsets), which <lambda>"
          "(num_tokens) does not take"]),
        (METRIC.format(name="x", factor=1).replace('("num_tokens", "subsets")', '"texts"'),
         ["line 4: ValueError: needs must be a tuple, such as ('texts', 'subsets'), not 'texts'"]),
        (METRIC.format(name="x", factor=1).replace("neither", "more"),
         ["line 4: ValueError: larger_means must be one of ('more diverse', 'less diverse', "]),
    ],
)  # fmt: skip
def test_a_faulty_file_is_one_line_that_names_it(plugin, text, words):
    before = {**METRICS}
    with pytest.raises(PluginError) as told:
        load_plugins([plugin(text)])
    assert "\n" not in str(told.value)
    for word in words:
        assert word in str(told.value)
    assert dict(METRICS) == before
    assert loaded() == ()


def test_what_a_file_added_before_it_failed_is_taken_back(plugin):
    with pytest.raises(PluginError):
        load_plugins([plugin(METRIC.format(name="longest", factor=1) + "1 / 0\n")])
    assert "longest" not in METRICS
    load_plugins([plugin()])
    assert "longest" in METRICS


def test_two_files_with_the_same_name_of_a_metric_are_both_named(plugin):
    first, second = plugin(), plugin(file="second.py", factor=2)
    with pytest.raises(PluginError) as told:
        load_plugins([first, second])
    assert f"{second}: there is a metric 'longest' already, of {first}" in str(told.value)


def test_a_missing_file_is_named_with_the_nearest(plugin, tmp_path):
    plugin()
    with pytest.raises(
        PluginError, match=r"there is no file .*mime\.py; did you mean 'mine\.py'\?"
    ):
        load_plugins([str(tmp_path / "mime.py")])
    with pytest.raises(PluginError, match="no installed package has a module 'mine'; a file is"):
        load_plugins(["mine"])
    with pytest.raises(PluginError, match="cannot be read: Is a directory"):
        load_plugins([str(tmp_path) + "/"])


def test_a_module_of_a_package_is_known_by_all_its_files(tmp_path, monkeypatch):
    package = tmp_path / "diverse_lab"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "rows.py").write_text(METRIC.format(name="of_lab", factor=1))
    (package / "helper.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    load_plugins(["diverse_lab.rows"])
    assert loaded()[0].adds == {"metric": ["of_lab"]}
    before = plugins._find_module("diverse_lab.rows").sha256
    (package / "helper.py").write_text("x = 1\n")
    assert plugins._find_module("diverse_lab.rows").sha256 != before


def installed(folder, text, module="lab_rows"):
    """Make a package with an entry point, as an installer would."""
    (folder / f"{module}.py").write_text(text)
    info = folder / "lab-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lab\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[workbench.plugins]\nrows = {module}\n")


def test_an_installed_package_is_found_by_its_entry_point(tmp_path, monkeypatch):
    installed(tmp_path, METRIC.format(name="of_package", factor=1))
    monkeypatch.syspath_prepend(tmp_path)
    load_installed()
    assert METRICS.added_by["of_package"][0] == "lab_rows"
    assert "lab_rows" in plugins.used_by([])


def test_a_faulty_installed_package_is_named(tmp_path):
    installed(tmp_path, "1 / 0\n")
    code = "from workbench.core.plugins import load_installed; load_installed()"
    paths = f"{tmp_path}:{Path(__file__).parents[3]}"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONPATH": paths}
    )
    assert "PluginError: the installed package 'lab': lab_rows" in run.stderr
    assert "lab_rows.py, line 1): ZeroDivisionError" in run.stderr


def of_task(name):
    return TASKS[name].summary


def test_worker_processes_have_the_rows_as_they_were_loaded(plugin):
    text = """
from dataclasses import replace
from workbench.tasks import TASKS

TASKS["mine"] = replace(TASKS["jsonl"], summary="{}")
"""
    path = Path(plugin(text.format("as loaded")))
    load_plugins([str(path)])
    path.write_text(text.format("edited since"))
    assert list(spread(of_task, ["mine"] * 3, workers=2)) == ["as loaded"] * 3


def test_plug_ins_of_another_experiment_are_put_away_and_come_back(plugin):
    first, second = plugin(), plugin(file="second.py", factor=2)  # one name of two metrics
    for path in (first, second, first):
        plugins.put_away_others([path])
        load_plugins([path])
        assert METRICS.added_by["longest"][0] == path
        assert [one.name for one in loaded()] == [path]
    plugins.put_away_others([])
    with pytest.raises(ValueError, match=r"unknown metric 'longest'.* a plug-in .*: .*mine\.py"):
        METRICS["longest"]


def test_a_module_that_was_put_away_comes_back_though_python_executes_it_once(
    tmp_path, monkeypatch
):
    (tmp_path / "once_only.py").write_text(METRIC.format(name="of_module", factor=1))
    monkeypatch.syspath_prepend(tmp_path)
    load_plugins(["once_only"])
    before = METRICS.hashes(["of_module"])
    plugins.put_away_others([])
    assert "of_module" not in METRICS
    load_plugins(["once_only"])
    assert METRICS.hashes(["of_module"]) == before != {}


def test_installed_plug_ins_are_never_put_away(tmp_path, monkeypatch):
    installed(tmp_path, METRIC.format(name="of_package", factor=1), module="lab_kept")
    monkeypatch.syspath_prepend(tmp_path)
    load_installed()
    plugins.put_away_others([])
    assert "of_package" in METRICS


def test_a_file_that_becomes_a_copy_of_another_leaves_nothing_behind(plugin):
    first, second = plugin(), plugin(file="second.py", name="other")
    load_plugins([first, second])
    plugin()  # the first as it was
    plugin(file="second.py")
    load_plugins([second])
    assert "other" not in METRICS
    assert METRICS.added_by["longest"][0] == first


def test_an_edited_copy_leaves_the_original_as_it_is(plugin):
    first, copy = plugin(), plugin(file="copy.py")
    load_plugins([first, copy])
    plugin(file="copy.py", name="other")
    load_plugins([first, copy])
    assert [METRICS.added_by[name][0] for name in ("longest", "other")] == [first, copy]
    assert {*plugins.used_by([first, copy])} == {first, copy}
