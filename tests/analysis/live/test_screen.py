"""What is shown fits on a small terminal, whatever there is to say."""

import io
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from workbench.analysis.live.looks import ConditionLook, Look, StageLook, Watched
from workbench.analysis.live.results import Estimate, SoFar
from workbench.analysis.live.screen import MOST_LINES, screen
from workbench.analysis.live.words import log_line, stage_words

ROOT = Path(__file__).parents[3]
SO_FAR = SoFar(Estimate(0.25, 0.2, 0.3, 30), 8, Estimate(0.5, 0.4, 0.6, 30))


def a_look(conditions=2, going=True, **changes):
    stages = [StageLook("generate", "running", 120, 480, 60.0, 180.0 if going else None)]
    stages += [StageLook(name, "", 0, 0, 0.0) for name in ("score", "measure", "analyze")]
    known = {
        "root": Path("results/own"), "at": datetime.now(UTC), "signature": "arithmetic|" * 20,
        "going": going, "finished": False, "written": datetime.now(UTC), "stages": stages,
        "command": "workbench run results/own", "tokens": 4800, "lately": 90.0 if going else None,
        "lately_over": 63.0,
        "in_all": 80.0,
        "conditions": [ConditionLook(f"T{n}", 60, 240, SO_FAR) for n in range(conditions)],
    }  # fmt: skip
    return Look(**(known | changes))


def lines_of(look, width=100, height=MOST_LINES):
    out = io.StringIO()
    Console(file=out, width=width, highlight=False).print(screen(look, width, height))
    return out.getvalue().splitlines()


def test_all_that_is_asked_of_it_is_there():
    shown = "\n".join(lines_of(a_look()))
    for text in (
        "The run goes on: drawing.",
        "generate  120 of 480 samples (25%), 1 min so far, about 3 min",
        "━" * 15 + "─" * 45 + "\n", "not begun score, measure, analyze\n",
        "tokens    4,800, 90 tokens/s over the last minute, 80 in all\n",
        "T1              60  240  0.25 [0.20, 0.30]  pass@8 0.50 [0.40, 0.60]",
    ):  # fmt: skip
        assert text in shown, shown


@pytest.mark.parametrize("width", [40, 80, 160])
@pytest.mark.parametrize("conditions", [1, 14, 16, 17, 300])
def test_it_has_at_most_24_lines_and_says_what_it_leaves_out(width, conditions):
    for going in (True, False):
        look = a_look(conditions, going, notes=["a note", "another", "a third"], failed=3)
        lines = lines_of(look, width)
        assert len(lines) < MOST_LINES  # the cursor stands in the last one
        assert max(map(len, lines)) <= width
        shown = sum(line.startswith("T") and line[1].isdigit() for line in lines)
        left = [line for line in lines if line.startswith("... and ")]
        assert [line.split()[2] for line in left] == [str(conditions - shown)] * (
            shown < conditions
        )


def test_the_command_that_goes_on_is_never_cut():
    shown = " ".join(" ".join(lines_of(a_look(30, going=False), 40)).split())
    assert "`workbench run results/own` goes on" in shown


def test_a_low_terminal_keeps_what_matters_most():
    lines = lines_of(a_look(30), height=8)
    assert len(lines) < 8
    assert any("120 of 480 samples" in line for line in lines)


def test_a_line_of_a_log_holds_all():
    line = log_line(a_look())
    assert "\n" not in line
    for text in (
        "; generate: 120 of 480 samples (25%), 90 tokens/s over the last minute, 80 in all, 3 min",
        "T1: accuracy 0.25 [0.20, 0.30], pass@8 0.50 [0.40, 0.60]",
    ):
        assert text in line
    assert log_line(a_look(5)).endswith("; accuracy 0.25 to 0.25; coverage 0.50 to 0.50")
    assert "; The run was killed while drawing;" in log_line(a_look(going=False))


def test_a_stage_says_what_it_took_or_that_it_has_not_begun():
    done = StageLook("score", "done", 4, 4, 150.0)
    assert stage_words(done) == "4 of 4 blocks (100%), done in 2 min 30 s"
    assert stage_words(replace(done, status="")) == "not begun"


def test_a_finished_run_fits_too():
    lines = lines_of(Watched(ROOT / "results" / "reference").look())
    assert len(lines) < MOST_LINES
    assert lines[1] == "The run has ended, with all stages done."
