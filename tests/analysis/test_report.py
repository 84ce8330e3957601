import json
import shutil

import pytest

from workbench import load_run
from workbench.analysis.figures import FIGURES
from workbench.analysis.page.report import write_report
from workbench.analysis.tables import TABLES
from workbench.config.size_estimate import disk_bytes


@pytest.fixture(scope="module")
def drawn(cli, finished, tmp_path_factory):
    """A copy of the finished run with all figures."""
    folder = shutil.copytree(finished[1], tmp_path_factory.mktemp("drawn") / "run")
    child = cli.must("analyze", folder, figures=True)  # it has all tables
    assert "up to date" not in child.err  # since the figures are missing
    return folder


def test_every_table_and_figure_is_written(drawn):
    folder = drawn
    run = load_run(folder)
    for name in TABLES:
        assert (folder / "tables" / f"{name}.csv").exists()
        text = (folder / "tables" / f"{name}.md").read_text()
        assert text.startswith(f"## {name}\n")
        assert text.endswith(f"`{run.signature}`\n")
    for name in FIGURES:
        for kind in ("png", "svg"):
            assert (folder / "figures" / f"{name}.{kind}").stat().st_size > 1000
    assert run.tables == sorted(TABLES)


def test_what_is_drawn_is_not_drawn_again(cli, drawn):
    before = {path: path.stat().st_mtime_ns for path in drawn.glob("[tf]*/*")}
    assert len(before) == 2 * (len(TABLES) + len(FIGURES))
    assert "analyze: up to date" in cli.must("run", drawn, figures=True, tables=True).err
    assert {path: path.stat().st_mtime_ns for path in drawn.glob("[tf]*/*")} == before


def test_the_folder_is_as_large_as_validate_says(drawn):
    run = load_run(drawn)
    write_report(run)
    tokens = int(run.samples["num_output_tokens"].sum())
    said = disk_bytes(run.experiment, len(run.problems), tokens, embedded=False, tracked=False)
    real = sum(path.stat().st_size for path in drawn.rglob("*") if path.is_file())
    assert real / 1.5 < said < real * 1.5


def test_every_table_of_the_study_is_there_by_its_name():
    assert set(TABLES) >= {
        "accuracy_by_k", "accuracy_by_temperature", "accuracy_by_k_temperature", "correlation",
        "correct_count_correlation", "bucket", "partial_correlation", "coverage_curve", "statuses",
    }  # fmt: skip


def test_the_study_s_columns_are_there(embedded):
    run = load_run(embedded[1])
    outcomes = ["maj_correct", "best_correct", "sem_mbr_correct", "lex_mbr_correct"]
    # no exact expectation is known of the last two, so that tables of means say "drawn"
    means = [*outcomes[:2], *(f"drawn_{name}" for name in outcomes[2:])]
    for name, columns in {
        "accuracy_by_k": ["k", *means],
        "accuracy_by_temperature": ["temperature", *means],
        "accuracy_by_k_temperature": ["k", "temperature", *means],
        "correlation": ["metric", *outcomes],
        "bucket": ["metric", "k", *outcomes, "min", "max", "mean", "count"],
        "partial_correlation": ["k", "Measure", "Correlation", "Partial Correlation"],
        "correct_count_correlation": ["k", "temperature", "pearson", "spearman"],
    }.items():
        assert set(columns) <= set(run.table(name).columns), name


def test_no_table_counts_rows_as_if_they_were_independent(embedded):
    run = load_run(embedded[1])
    for name in run.tables:
        assert not {"p_value", "pvalue", "df"} & set(run.table(name).columns)


@pytest.mark.parametrize(
    ("missing", "made"),
    [
        ("tables/bucket.csv", {"tables": ["bucket"]}),
        ("figures/accuracy_by_k.svg", {"figures": ["accuracy_by_k"]}),
    ],
)
def test_what_was_deleted_is_made_again(cli, drawn, tmp_path, missing, made):
    folder = shutil.copytree(drawn, tmp_path / "run")
    before = (folder / missing).read_bytes()
    (folder / missing).unlink()
    child = cli.must("run", folder, **made)
    assert "analyze: up to date" not in child.err
    assert (folder / missing).read_bytes() == before


def test_measuring_has_to_come_first(cli, experiment, tmp_path):
    small = experiment(task__num_problems=1)
    for stage in ("generate", "score"):
        cli.must(stage, small, "--out", tmp_path / "run")
    cli("analyze", tmp_path / "run").refuses("not measured yet", "workbench measure")


def test_the_manifest_says_how_the_stage_went(finished):
    stage = json.loads((finished[1] / "manifest.json").read_text())["stages"]["analyze"]
    assert stage["status"] == "done"
    assert stage["seconds"] > 0
