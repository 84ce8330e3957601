import json
import re
from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest

from workbench.analysis import last_screen as last_screen_module
from workbench.analysis.last_screen import (
    COLUMNS,
    LINES,
    UNKNOWN,
    WITHOUT_ANSWER,
    _samples,
    last_screen,
)
from workbench.cli.app import app
from workbench.core.types import STATUSES
from workbench.saved_run import Run

QUIET = ("--set", "tracking.mode=disabled", "--set", "measure.metrics=[distinct_1]")
MANY = [0.1 * n for n in range(1, 13)]


def screen(folder):
    """The lines of a last screen, which fit on a terminal but for a folder with a long name."""
    lines = last_screen(Run(folder)).splitlines()
    assert len(lines) <= LINES
    assert max(len(line.replace(str(folder), "RUN")) for line in lines) <= COLUMNS
    return lines


def test_it_tells_the_finding_the_numbers_behind_it_and_where_the_rest_is(finished):
    folder = finished[1]
    lines = screen(folder)
    assert lines[0].startswith("From T = 0.3 to T = 1, ")
    shown = dict(re.split("  +", line, maxsplit=1) for line in lines if "  " in line)
    curve = Run(folder).table("coverage_curve").query("temperature == 1 and k == 8").iloc[0]
    values = [curve[f"pass@k{end}"] for end in ("", "_low", "_high")]
    assert "{:.3f} [{:.3f}, {:.3f}]".format(*values) in shown["coverage@8"]
    assert shown["temperature"].split() == ["0", "0.3", "1"]
    counted = next(line for line in lines if " samples" in line and "statuses" in line)
    statuses = Run(folder).table("statuses")
    assert counted.startswith(f"{statuses['samples'].sum()} samples: ")
    assert f"{statuses['no_answer'].sum()} without an answer" in counted
    assert str(folder / "tables") in shown["tables"]


def test_the_commands_that_it_names_are_there(finished):
    said = [line.split() for line in screen(finished[1]) if line.startswith("workbench ")]
    known = {row.name or row.callback.__name__.strip("_") for row in app.registered_commands}
    assert len(said) == 3
    assert {command for _, command, *_ in said} <= known


@pytest.mark.parametrize("temperatures", [MANY, [1.0]])
def test_the_hottest_and_the_coldest_are_always_shown(hand_made, temperatures):
    samples = [[(r"It is \boxed{1}", -1.0, "stop"), (r"It is \boxed{2}", -1.0, "stop")]]
    folder = hand_made(["1"], samples, generation__temperatures=temperatures)
    lines = screen(folder)
    heads = next(line.split()[1:] for line in lines if line.startswith("temperature"))
    assert heads[-1] == f"{max(temperatures):g}"
    assert heads[0] == f"{min(temperatures):g}"
    left = [line for line in lines if line.startswith("(T = ")]
    assert len(left) == (len(heads) < len(temperatures))


def test_samples_without_an_answer_and_of_unknown_correctness_are_counted_once():
    counts = {"samples": [9, 9], "answered": [4, 6], "no_answer": [1, 0], "truncated": [0, 2],
              "timeout": [1, 0], "error": [2, 1], "unknown": [4, 1]}  # fmt: skip
    about = SimpleNamespace(task=SimpleNamespace(name="jsonl"))
    run = SimpleNamespace(
        experiment=about, tables=["statuses"], table=lambda name: pd.DataFrame(counts)
    )
    assert " ".join(_samples(run)) == (
        "18 samples: 2 cut off before an answer, 1 without an answer, 5 of unknown correctness "
        "(1 whose check timed out, 3 that failed) (table statuses)"
    )
    sound = pd.DataFrame({name: [9 if name == "samples" else 0] for name in counts})
    run = SimpleNamespace(experiment=about, tables=["statuses"], table=lambda name: sound)
    assert _samples(run) == ["9 samples, all with an answer (table statuses)"]
    assert {*WITHOUT_ANSWER, *UNKNOWN} < {*STATUSES}


def test_of_samples_without_correctness_it_says_why_there_is_no_finding(cli, tmp_path):
    rows = [{"problem_id": p, "text": text} for p in "ab" for text in ("one", "two", "three")]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    folder = tmp_path / "run"
    cli.must("import", tmp_path / "rows.jsonl", "--out", folder, "--set", "measure.k=[2]", *QUIET)
    lines = screen(folder)
    assert lines[0].startswith("Nothing can be said of accuracy:")
    cli.must("run", folder, tables=True)
    lines = screen(folder)
    assert lines[0].startswith("Doubtful: 6 of 6 samples")
    assert any(line.startswith("Nothing can be said of accuracy:") for line in lines)
    assert any("6 of unknown correctness" in line for line in lines)
    assert lines[-1].startswith("workbench audit ")


def test_named_conditions_are_told_by_their_names_and_the_compared_ones_first(crossed):
    lines = screen(crossed)
    heads = next(line.split()[1:] for line in lines if line.startswith("condition"))
    assert {"T0.5", "T1.5"} <= {*heads}
    assert not any(line.startswith(("temperature ", "min_p ", "prompt ")) for line in lines)
    assert any(line.endswith("...: see the table accuracy_by_temperature)") for line in lines)


def test_many_conditions_of_long_names_fit(monkeypatch, crossed):
    """The numbers of the run under other names: 40 conditions, of which two are compared."""
    found = last_screen_module._finding(Run(crossed))
    many = pd.concat([found.levels.iloc[[-1]]] * 40, ignore_index=True)
    many["condition"] = [
        f"T1.5-a_prompt_of_a_long_name_{n}-repetition_penalty1.05" for n in range(40)
    ]
    compared = tuple(many["condition"].iloc[[3, 30]])
    other = replace(found, levels=many, compared=compared)
    monkeypatch.setattr(last_screen_module, "_finding", lambda run: other)
    lines = screen(crossed)
    heads = next(line.split()[1:] for line in lines if line.startswith("condition"))
    assert heads[0] == compared[0]
