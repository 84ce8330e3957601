"""``import workbench as wb``: what a script and a notebook use, from one place."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

import workbench as wb
from workbench.core.handed_down import HANDED_DOWN

ROOT = Path(__file__).parents[2]
ROWS = {
    "METRICS": "Metric", "TASKS": "Task", "REWARDS": "Reward", "BACKENDS": "Backend",
    "AGGREGATORS": "Aggregator", "PRUNERS": "Pruner", "TABLES": "TableSpec", "FORMATS": "Format",
    "EXPORTS": "Export", "CHECKERS": "Checker", "INTERMEDIATES": "Intermediate",
}  # fmt: skip


def imported_for_types():
    """(module, name) of all that type checkers read of the front door."""
    tree = ast.parse(inspect.getsource(wb))
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    return {(line.module, alias.name) for line in block.body for alias in line.names}


def test_a_name_is_the_same_for_python_for_type_checkers_and_for_tab_completion():
    lazily = {(f"workbench.{module}", n) for module, names in wb.MODULES.items() for n in names}
    assert lazily == imported_for_types()
    functions = {"run", "runs", "load_run", "compare", "__version__"}
    assert {*wb.__all__} == {name for _, name in lazily} | functions == {*dir(wb)}
    for module, name in lazily:
        assert getattr(wb, name) is getattr(sys.modules[module], name)


@pytest.mark.parametrize("name", ROWS)
def test_every_table_stands_beside_the_class_of_its_rows(name):
    assert {type(row) for row in getattr(wb, name).values()} == {getattr(wb, ROWS[name])}


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'workbench' has no attribute 'METRIC'"):
        _ = wb.METRIC


def test_run_stays_a_function_whatever_is_imported():
    code = "import workbench as wb, workbench.saved_run, workbench.cli.whole_run; wb.Data\n"
    code += "print(*(n for n in wb.__all__ if type(getattr(wb, n)) is type(wb)), callable(wb.run))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "True", done.stderr


def test_a_run_opened_without_the_front_has_its_figures_and_its_look():
    code = (
        "from workbench.saved_run import Run; r = Run('results/reference'); print(dir(r.plot)[0])\n"
    )
    code += "print(r._repr_html_()[:4], r.pool('problem-3', 0.7)._repr_html_()[:4])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.split() == ["accuracy_by_diversity", "<sty", "<sty"], done.stderr


def test_the_front_hands_down_what_rooms_below_show(reference):
    assert {*HANDED_DOWN} == {"plot", "run_html", "pool_html"}
    assert HANDED_DOWN["run_html"](reference) == reference._repr_html_()


@pytest.fixture(scope="module")
def reference():
    return wb.load_run(ROOT / "results/reference")


@pytest.mark.parametrize("jedi", [True, False])
def test_a_notebook_completes_plot_and_its_figures(reference, jedi):
    shell = InteractiveShell.instance()
    shell.Completer.use_jedi = jedi
    shell.user_ns |= {"run": reference, "wb": wb}

    def completed(text):
        with provisionalcompleter():
            return {
                found.text.lstrip(".") for found in shell.Completer.completions(text, len(text))
            }

    try:
        assert completed("run.plo") == {"plot"}
        assert completed("run.plot.") == {*wb.FIGURES}
        assert {"METRICS", "Metric"} <= completed("wb.")
    finally:
        InteractiveShell.clear_instance()


def test_whatever_is_printed_is_short(reference):
    pool = reference.pool("problem-3", 0.7)
    sample = wb.Sample("p", 1.0, 0, "x" * 5000, "stop", (1,) * 5000, (-0.1,) * 5000, 0, "h")
    rows = [row for table in ROWS for row in getattr(wb, table).values()]
    compared = wb.compare(reference)["curves"]
    problem, prompt = wb.Problem("p", "why " * 900, "42"), wb.Prompt("why " * 900)
    chat = wb.Prompt(messages=({"role": "user", "content": "why " * 900},))
    shown = [reference, reference.plot, pool, sample, reference.experiment, compared, problem]
    for one in [*shown, prompt, chat, *rows]:
        assert len(repr(one)) <= 300, type(one)
        assert "\n" not in repr(one)
    assert repr(pool) == "Pool('problem-3', T = 0.7: 16 samples, 2 of 16 right)"
    assert repr(problem).endswith(", gold='42', metadata={})")
    assert repr(compared).startswith("Table(45 rows, 1 notes; columns temperature, selection,")
    lines = repr(wb.METRICS).splitlines()
    assert lines[0].startswith("avg_log_prob    mean token log-probability")
    assert max(map(len, lines)) <= 100
    assert "0x" not in repr(wb.FIGURES)


def test_a_row_of_a_frame_is_a_sample_with_its_score_and_its_problem(reference):
    frame, keys = reference.frame, ["problem_id", "temperature", "sample_index"]
    assert reference.frame is frame
    assert len(frame) == 1470
    assert frame[keys].equals(reference.samples[keys])
    assert frame["completion"].equals(reference.samples["completion"])
    assert frame["correct"].equals(reference.scores["correct"])
    assert frame["correct"].dtype == "boolean"
    golds = reference.problems.set_index("problem_id")["gold"]
    assert frame["gold"].tolist() == golds[frame["problem_id"]].tolist()
    right = frame[frame["correct"]]
    assert (right["answer"] == right["gold"]).all()
    assert not {"token_logprobs", "text", "is_correct"} & {*frame}
    assert pd.concat(reference.frames(), ignore_index=True).equals(frame)


def test_runs_are_listed_and_what_is_listed_can_be_opened():
    listed = wb.runs(ROOT / "results")
    (row,) = listed[listed["run"].str.endswith("/reference")].to_dict("records")
    assert (row["task"], row["problems"], row["n"], row["finished"]) == (
        "arithmetic",
        30,
        16,
        "analyze",
    )
    assert row["temperatures"] == "0.3, 0.7, 1"
    assert wb.load_run(row["run"]).experiment.name == "quickstart"
    with pytest.raises(ValueError, match="nowhere is no folder"):
        wb.runs("nowhere")


def test_compare_takes_runs_and_folders(reference):
    by_run = wb.compare(reference, k=[8])["temperatures"].frame
    assert by_run.equals(wb.compare(ROOT / "results/reference", k=[8])["temperatures"].frame)
    assert {*by_run["k"]} == {1, 8}
    with pytest.raises(ValueError, match="nothing to compare"):
        wb.compare()
