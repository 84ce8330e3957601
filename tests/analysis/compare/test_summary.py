"""The summary of a comparison answers in few lines, whatever is compared."""

import pandas as pd
import pytest

from workbench.analysis.compare.runs import compare
from workbench.analysis.compare.summary import detectable, finding, is_significant, summary
from workbench.analysis.frames import Table

MOST_LINES = 60
GRID = "[{temperature: [0.3, 0.7, 1.0, 1.5], top_p: [1.0, 0.9], min_p: [0, 0.1]}]"


@pytest.fixture(scope="module")
def variants(cli, finished, tmp_path_factory):
    """A function: number of runs, settings -> folders of runs that differ in the seed."""
    home = tmp_path_factory.mktemp("variants")

    def make(count, *settings):
        changes = [word for setting in settings for word in ("--set", setting)]
        for seed in range(count):
            folder = home / f"seed{seed}-{len(changes)}"
            cli.must("run", finished[0], "--out", folder, *changes, "--set",
                     f"generation.seed={seed}", tables=())  # fmt: skip
            yield folder

    return lambda *args: list(make(*args))


@pytest.mark.parametrize(
    ("count", "settings"),
    [
        (2, ["generation.temperatures=[0.3, 0.7, 1.0]"]),
        (5, ["generation.temperatures=[0.3, 0.7, 1.0]", "generation.n=4"]),
        (1, ["generation.temperatures=[]", f"generation.grid={GRID}", "generation.n=4"]),
    ],
    ids=["two runs", "five runs", "16 conditions"],
)
def test_a_comparison_fits_on_a_screen_and_says_where_the_whole_is(cli, variants, count, settings):
    folders = variants(count, *settings)
    shown = cli.must("compare", *folders).out
    assert 15 < len(shown.strip().splitlines()) <= MOST_LINES
    place = folders[0] / "compare"
    if count > 1:
        place /= "+".join(folder.name for folder in folders[1:])
        lines = shown.splitlines()
        settings_at = lines.index("settings that differ:")
        assert "generation.seed" in lines[settings_at + 1]
        assert settings_at < next(i for i, line in enumerate(lines) if "paired differences" in line)
    assert f"tables   {place}" in shown
    assert "four times in five (80% power at 5%)" in " ".join(shown.split())
    tables = compare(folders)
    for name, table in tables.items():
        saved = (place / f"{name}.csv").read_text()
        assert saved == table.frame.to_csv(index=False)
        if table.notes:
            assert table.notes[0] in (place / f"{name}.md").read_text()
    kept = len(tables["flips"].frame)
    assert f"and {kept - 5:,} more rows" in shown


def test_the_tables_are_written_where_one_asks(cli, finished, tmp_path):
    cli.must("compare", finished[1], "--out", tmp_path / "there")
    assert (tmp_path / "there" / "flips.csv").exists()
    (tmp_path / "file").write_text("")
    cli("compare", finished[1], "--out", tmp_path / "file").refuses("cannot be written", "--out")


def rows(*found):
    names = ["difference", "difference_low", "difference_high", "q", "smallest"]
    frame = pd.DataFrame(found, columns=names)
    return frame.assign(k=8, selection="maj", problems=30)


def test_a_difference_is_shown_where_interval_and_test_agree():
    frame = rows(
        (0.2, 0.1, 0.3, 0.01, 0.14), (0.2, 0.1, 0.3, 0.06, 0.1), (0.1, -0.1, 0.3, 0.01, 0.2)
    )
    assert [is_significant(row) for row in frame.to_dict("records")] == [True, False, False]
    said = finding(frame)
    assert said.startswith("1 of 3 paired differences, at k = 8 and of single samples, is shown")
    assert "With 30 problems the smallest difference" in said
    assert "is 0.100 to 0.200:" in said
    assert finding(frame.iloc[1:]).startswith("None of 2 paired differences")


def test_what_could_not_be_seen_is_said_as_far_as_it_is_known():
    nothing = rows((0.0, 0.0, 0.0, 1.0, float("nan")))
    assert detectable(nothing) == ""
    assert "Below 10 problems" in detectable(nothing.assign(problems=9))
    assert "is 0.250:" in detectable(rows((0.1, -0.1, 0.3, 0.5, 0.25)))


def test_nothing_to_compare_is_said():
    tables = {"temperatures": Table(pd.DataFrame()), "flips": Table(pd.DataFrame(), ("none",))}
    lines = summary(tables, ["run"])
    assert lines[1].startswith("There is nothing to compare")
    assert lines[-1] == "problems that flipped: none"
