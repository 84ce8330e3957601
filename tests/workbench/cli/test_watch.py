"""``workbench watch``, as a process of its own, on runs at every moment."""

import re
import shutil
import signal
from pathlib import Path

import pytest
from typer import Exit

from workbench.cli.watch import watch

ROOT = Path(__file__).parents[3]
SLOWLY = {"seconds_per_sample": 0.02}


def test_what_is_asked_is_checked_first(tmp_path):
    for options, told in (
        ({"every": 0.0}, "--every 0: needs to be at least 0.2 seconds"),
        ({"every": float("nan")}, "--every nan: needs to be"),
        ({"every": float("inf")}, "--every inf: needs to be"),
        ({"out": Path("x.html")}, "--out x.html: only a page is written; add --page"),
        ({}, "is no folder; give that of a run"),
    ):
        with pytest.raises(ValueError, match=re.escape(told)):
            watch(tmp_path / "none", **({"every": 5.0, "out": None} | options))


def test_a_finished_run_is_told_once(capsys):
    watch(ROOT / "results" / "reference")
    (line,) = capsys.readouterr().out.splitlines()
    assert "The run has ended, with all stages done; T0: accuracy 0.50 [0.33, 0.67]" in line


def test_a_run_is_watched_killed_and_watched_again(cli, experiment, tmp_path):
    path, run = experiment(generation__engine=SLOWLY), tmp_path / "run"
    drawing = cli.start("run", path, "--out", run)
    drawing.until(lambda: list((run / "samples").glob("*.journal")))
    page = tmp_path / "page.html"
    watching = cli.start("watch", run, "--every", "0.2", "--page", "--out", page)
    watching.until(lambda: watching.out.count("\n") > 4)
    assert 'http-equiv="refresh" content="1"' in page.read_text()
    assert drawing.code is None
    drawing.stop(signal.SIGKILL)
    once = cli("watch", run, "--once")
    assert once.code == 0
    watching.wait()
    assert watching.code == 1, watching.err
    lines = watching.out.splitlines()
    drawn = [int(found[1]) for line in lines if (found := re.search(r"generate: (\d+) of", line))]
    assert drawn == sorted(drawn)
    assert drawn[0] < drawn[-1]
    assert re.search(r" \d+ tokens/s over the last \d s, \d+ in all, \d+ s left", lines[4])
    assert "The run was killed while drawing" in lines[-1]
    assert f"`workbench run {run}` goes on" in lines[-1]
    assert "refresh" not in page.read_text()
    assert not {found.name for found in run.iterdir()} & {"report.html", "page.html"}


def test_ctrl_c_ends_the_watching_and_not_the_run(cli, experiment, tmp_path):
    path, run = experiment(generation__engine=SLOWLY), tmp_path / "run"
    drawing = cli.start("generate", path, "--out", run)
    drawing.until(lambda: (run / "experiment.yaml").exists())
    watching = cli.start("watch", run, "--every", "0.2")
    watching.until(lambda: watching.out.count("\n") > 1)
    assert watching.stop(signal.SIGINT).code == 130
    assert watching.err == "no longer watched; the run is as it was\n"
    assert drawing.wait().code == 0


def test_a_folder_that_is_no_run_is_one_plain_message(cli, tmp_path):
    cli("watch", tmp_path, "--once").refuses("is not a run: it has no experiment.yaml")


def test_on_a_terminal_it_is_redrawn_in_place(capsys, monkeypatch, tmp_path):
    from rich.console import Console

    shutil.copytree(ROOT / "results" / "reference", tmp_path / "run")
    terminal = Console(force_terminal=True, width=100, height=30, highlight=False)
    monkeypatch.setattr("workbench.core.console.stdout", lambda: terminal)
    watch(tmp_path / "run")
    shown = capsys.readouterr().out
    assert "The run has ended, with all stages done." in shown
    assert "\x1b[?25h" in shown  # the cursor is there again
    text = (tmp_path / "run" / "manifest.json").read_text()
    (tmp_path / "run" / "manifest.json").write_text(
        text.replace('"status": "done"', '"status": "interrupted"')
    )
    with pytest.raises(Exit) as ended:
        watch(tmp_path / "run")
    assert ended.value.exit_code == 1
