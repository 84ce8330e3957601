import numpy as np
import pandas as pd
from rich.console import Console

from workbench.analysis.frames import Table
from workbench.analysis.markdown import to_grids, to_markdown
from workbench.analysis.terminal import print_table
from workbench.core.table_text import format_table

FRAME = pd.DataFrame(
    {
        "k": [2, 4],
        "temperature": [0.3, 1.0],
        "maj_correct": [0.51234, 0.5],
        "maj_correct_low": [0.4, np.nan],
        "maj_correct_high": [0.6, np.nan],
        "pass@k": [1.0, np.nan],
        "rows": ["all", "a|b"],
        "count": [1234567, 3],
        "dpp": [-123456.789, 0.0005],
        "brow_low": [1.0, 2.0],
    }
)


def test_intervals_stand_with_their_numbers():
    found = format_table(FRAME)
    assert list(found.columns) == [
        "k", "temperature", "maj_correct", "pass@k", "rows", "count", "dpp", "brow_low",
    ]  # fmt: skip
    assert found.iloc[0].tolist() == [
        "2", "0.3", "0.512 [0.400, 0.600]", "1.000", "all", "1234567", "-123456.8", "1.000",
    ]  # fmt: skip
    assert found.loc[1, "maj_correct"] == "0.500"  # no interval, no brackets
    assert found.loc[1, "pass@k"] == "-"  # undefined
    assert found.loc[1, "dpp"] == "0.001"


def test_markdown_has_notes_and_the_signature():
    text = to_markdown("accuracy_by_k", Table(FRAME, ("12 problems", "a note")), "a|b|T:1")
    lines = text.splitlines()
    assert lines[0] == "## accuracy_by_k"
    assert lines[2].startswith("| k ")
    assert lines[-4:] == ["- 12 problems", "- a note", "", "`a|b|T:1`"]
    assert "0.512 [0.400, 0.600]" in text


def test_an_empty_table_says_so():
    text = to_markdown("bucket", Table(pd.DataFrame(), ("no dpp",)), "s")
    assert "(empty)" in text
    assert "- no dpp" in text


def test_a_grid_for_the_terminal_keeps_every_number_and_the_caption():
    console = Console(width=160, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    with console.file:
        console.print(*to_grids("accuracy", FRAME, "12 problems\n[not markup]", 160))
    shown = console.export_text()
    for text in ("accuracy", "0.512", "[0.400, 0.600]", "-123456.8", "[not markup]"):
        assert text in shown


def test_a_grid_too_wide_is_several_with_whole_numbers_and_the_same_keys(capsys):
    wide = FRAME[["k", "temperature", "maj_correct", "maj_correct_low", "maj_correct_high"]]
    for name in ("best", "weighted_vote"):
        wide = wide.assign(**{name: 0.25, f"{name}_low": 0.125, f"{name}_high": 0.375})
    print_table(Console(width=46), "accuracy", wide, "12 problems")
    shown = capsys.readouterr().out
    assert shown.count("temperature") == shown.count("k ") == 3
    assert shown.count("[0.125, 0.375]") == 4
    assert shown.count("further columns") == 2
    assert shown.count("12 problems") == 1


MARKUP = ["[a,b] and x[i]", "[b]8[/b]", "[/red] [0, 1]", "[link=x]y[/link]", "\\[5\\]", ":smile:"]


def test_what_looks_like_markup_is_printed_as_it_is():
    frame = pd.DataFrame({"[b]column[/b]": MARKUP, "[/x]": MARKUP})
    console = Console(width=200, highlight=False)
    with console.capture() as capture:
        print_table(console, "[/name]", frame, "[/caption] [i]")
        print_table(console, "[/empty]", frame.iloc[:0], "[/caption] [i]")
    text = capture.get()
    for shown in (*frame.columns, "[/name]", "[/empty]"):
        assert text.count(shown) == 1
    for shown in MARKUP:
        assert text.count(shown) == 2
    assert text.count("[/caption] [i]") == 2
    assert "😄" not in text
