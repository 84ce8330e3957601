import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import workbench.cli.app as front
from workbench.analysis.tables import TABLES
from workbench.core.version import __version__

ROOT = Path(__file__).parents[3]


def workbench(*args):
    """The command line as a person starts it, without the tests' short cut."""
    return subprocess.run(
        [sys.executable, "-m", "workbench.cli.app", *map(str, args)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )


def test_the_version_is_told(cli):
    run = workbench("--version")
    assert (run.returncode, run.stdout) == (0, f"workbench {__version__}\n")
    assert cli.must("--version").out == run.stdout  # and the short cut tells the same


def test_an_error_is_one_line_and_exit_code_1():
    run = workbench("show", "no-such-run")
    assert run.returncode == 1
    assert run.stdout == ""
    assert run.stderr.startswith("error: no-such-run is not a run")
    assert len(run.stderr.splitlines()) == 1


def test_help_is_worth_reading(cli):
    shown = cli.must("--help").out
    commands = (
        "run", "generate", "score", "measure", "analyze", "import", "show", "compare", "validate",
        "list",
    )  # fmt: skip
    for command in commands:
        assert f" {command} " in shown
        assert len(cli.must(command, "--help").out) > 200
    assert "--set" in cli.must("run", "-h").out
    assert cli("run").code == 2  # what it is to run is missing
    assert cli("ruin").code == 2


@pytest.mark.parametrize("name", ["test", "quickstart", "math500_study"])
def test_validate_accepts_the_experiments_that_come_along(cli, name):
    if name == "math500_study" and not (ROOT.parent / "shared" / "data").exists():
        pytest.skip("../shared/data is not here")
    shown = cli("validate", ROOT / "experiments" / f"{name}.yaml", cwd=ROOT)
    assert shown.code == 0, shown.err
    assert "is valid." in shown.out
    for size in ("problems", "pools", "requests", "output tokens", "subsets"):
        assert size in shown.out


def test_validate_names_the_sizes_and_loads_nothing(cli, experiment):
    changes = ("--set", "generation.n=32", "--set", "measure.k=[2, 32]")
    start = time.monotonic()
    shown = cli.must("validate", experiment(), *changes).out
    assert time.monotonic() - start < 5
    # 12 problems, 2 temperatures, 32 samples, a greedy one each; C(32, 32) = 1
    assert "requests       780 (x 32 samples + 12 greedy)" in shown
    assert "output tokens  37,440 at most (48 each)" in shown
    assert "subsets        144 (k=2: 5, k=32: all 1 of each pool)" in shown


def test_validate_names_factors_that_move_together(cli, experiment):
    cells = [{"name": "cold", "temperature": 0.5, "min_p": 0}]
    cells.append({"name": "hot", "temperature": 1.5, "min_p": 0.1})
    path = experiment(generation__temperatures=[], generation__conditions=cells)
    shown = cli.must("validate", path).out
    assert "temperature and min_p move together: no two conditions differ in one" in shown
    assert "move together" not in cli.must("validate", experiment()).out


def test_validate_reads_the_problems_even_if_their_number_is_given(cli, experiment, tmp_path):
    (tmp_path / "problems.jsonl").write_text("{not json\n")
    path = experiment(
        task__name="math500", task__source=str(tmp_path / "problems.jsonl"), task__num_problems=1
    )
    cli("validate", path).refuses("line 1", "not JSON")


def test_show_prints_a_table_with_its_notes_and_signature(cli, finished):
    shown = cli.must("show", finished[1], "accuracy_by_k").out
    assert shown.startswith("accuracy_by_k")
    assert "maj_correct" in shown
    assert "12 problems, 240 subsets" in shown
    assert "arithmetic|replay|T:0.3,1|N:8|seed:0" in shown
    titles = [line.strip() for line in cli.must("show", finished[1], "--all").out.splitlines()]
    printed = [title for title in titles if title in TABLES]
    rare = {
        "answer_audit",
        "behaviour",
        "edit_distances",
        "entropy_bounds",
        "interactions",
        "quality_coefficients",
        "reliability",
        "self_correction",
        "sequential_against_parallel",
    }
    assert sorted(printed) == sorted(set(TABLES) - rare)
    assert "quality_coefficients" in cli.must("show", finished[1], "quality_coefficients").out
    assert printed[-1] == "accuracy_by_k_temperature"  # what is read first stands above the prompt
    cli("show", finished[1], "acuracy").refuses("unknown table 'acuracy'", "accuracy_by_k")
    assert cli("show", finished[1], "correct_count_correlation").code == 0  # empty, without dpp


def test_run_writes_the_page_and_prints_its_last_screen(cli, copied):
    path, folder = copied
    child = cli.must("run", path, "--out", folder, printed=True, tables=True)
    assert (folder / "report.html").stat().st_size > 100_000
    assert child.out == cli.must("show", folder).out
    assert "From T = 0.3 to T = 1" in child.out
    assert "W&B" not in child.out  # it was disabled
    assert "up to date" not in child.out  # that is on stderr, so that the finding can be piped


def test_a_run_is_named_by_its_folder_as_well_as_by_its_file(cli, copied):
    _, folder = copied
    child = cli.must("run", folder)
    assert "all 204 samples are there" in child.err
    assert cli.must("analyze", folder).code == 0
    cli("run", folder.parent).refuses("is not a run")


def test_the_folder_is_results_and_the_name_unless_told_otherwise(cli, experiment, tmp_path):
    cli.must("generate", experiment(), cwd=tmp_path)
    assert (tmp_path / "results" / "tested" / "manifest.json").exists()


def test_settings_are_replaced_on_the_command_line(cli, experiment, tmp_path):
    changes = ("--set", "generation.n=4", "--set", "generation.temperatures=[0.5]")
    cli.must("generate", experiment(), "--out", tmp_path / "run", *changes)
    saved = (tmp_path / "run" / "experiment.yaml").read_text()
    assert "n: 4" in saved
    child = cli("generate", experiment(), "--set", "generation.m=4")
    assert child.code == 1
    assert "--set generation.m: unknown key" in child.err
    assert "Traceback" not in child.err


def test_a_missing_experiment_is_refused(cli, tmp_path):
    child = cli("run", tmp_path / "no.yaml")
    assert child.code == 1
    assert str(tmp_path / "no.yaml") in child.err
    assert "Traceback" not in child.err


def test_torch_is_told_not_to_warn_before_it_is_imported(monkeypatch):
    """Of where it puts its memory: it reads the variable when it is imported."""
    monkeypatch.setenv("TORCH_CPP_LOG_LEVEL", "INFO")
    monkeypatch.delenv("TORCH_CPP_LOG_LEVEL")
    monkeypatch.setattr(front, "app", lambda prog_name: None)
    with pytest.raises(SystemExit) as ended:
        front.main()
    assert ended.value.code == 0
    assert os.environ["TORCH_CPP_LOG_LEVEL"] == "ERROR"
