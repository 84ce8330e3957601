import json
import shutil

import pytest

from workbench.analysis.compare.runs import compare
from workbench.analysis.page.comparison import opening, write_comparison


@pytest.fixture(scope="module")
def two(cli, finished, tmp_path_factory):
    """Folders of two runs of the same problems, which differ in their seed and temperatures."""
    folder = tmp_path_factory.mktemp("two") / "other"
    cli.must("run", finished[0], "--out", folder, "--set", "generation.seed=1", tables=())
    return finished[1], folder


def test_two_runs_stand_side_by_side(visit, two, tmp_path):
    tables = write_comparison(two, tmp_path / "page.html")
    page = visit(tmp_path / "page.html")
    assert page.locator("h1").inner_text() == "run · other"
    assert page.locator(".signature").count() == 4
    settings = page.locator("#summary [data-table=table-settings] tbody tr").all_inner_texts()
    assert "generation.seed\t0\t1" in settings
    assert page.locator("#table-differences tbody tr").count() == min(
        25, len(tables["differences"].frame)
    )
    for name in ("overlaid_curves", "paired_differences", "overlaid_accuracies"):
        place = page.locator(f"#figure-{name} .chart")
        place.scroll_into_view_if_needed()
        place.locator("svg").first.wait_for()
    legend = page.locator("#figure-overlaid_curves .role-legend-label").all_text_contents()
    assert set(legend) == {f"{run}, T = {t}" for run in ("run", "other") for t in ("0.3", "1")}
    assert visit.wrong == []


def test_a_problem_that_flipped_opens_with_the_samples_of_both_runs(visit, two, tmp_path):
    tables = write_comparison(two, tmp_path / "page.html")
    page = visit(tmp_path / "page.html")
    frame = tables["flips"].frame
    links = page.locator("#flips a")
    assert links.count() == len(frame)
    page.locator(".pool").nth(1).wait_for()
    for place in (0, len(frame) - 1):
        row = frame.iloc[place]
        link = links.nth(place)
        assert f"{row['maj_against']:.3f} → {row['maj']:.3f}" in link.inner_text()
        link.click()
        at = f"T = {row['temperature']:g}"
        page.wait_for_function(
            "([id, at]) => document.querySelector('#question h3').textContent === id"
            " && [...document.querySelectorAll('.pool > h3')].map((h) => h.textContent).join()"
            " === `run, ${at},other, ${at}`",
            arg=[row["problem_id"], at],
        )
        assert link.get_attribute("aria-current") == "true"
        tallies = page.locator("#question .tally").inner_text()
        right = round(8 * row["right"])
        assert f"other, {at}: {right} of 8 right" in tallies
    there = visit(tmp_path / "page.html", links.nth(3).get_attribute("href"))
    there.locator(".pool").nth(1).wait_for()
    assert there.locator("#question h3").inner_text() == frame["problem_id"][3]
    assert visit.wrong == []


def test_one_run_s_conditions_are_compared(finished, tmp_path, cli):
    tables = compare([finished[1]])
    top = opening(tables, 0.95)
    frame = tables["temperatures"].frame
    last = frame[(frame["k"] == 4) | (frame["selection"] == "single_sample")]
    assert f"of {len(last)} paired differences, at k = 4 and of single samples," in top.sentence
    child = cli.must("compare", finished[1], "--html", tmp_path / "page.html")
    assert "page.html" in child.out
    text = (tmp_path / "page.html").read_text()
    for name in ("temperatures", "selections", "curves", "crossings"):
        assert f'id="table-{name}"' in text
    assert top.sentence in text


def test_a_run_that_is_not_ready_is_named_in_the_page(copied, finished, tmp_path):
    folder = copied[1]
    for path in folder.glob("subsets/*"):
        path.unlink()
    write_comparison([finished[1], folder], tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert "Nothing can be compared." in text
    assert "the run is not measured yet" in text
    assert 'id="table-settings"' in text


def test_a_run_that_is_measured_only_is_named_with_the_command(copied, tmp_path):
    folder = copied[1]
    for name in ("outcomes", "expectations", "mixed", "pruned", "tables"):
        shutil.rmtree(folder / name)
    assert write_comparison([folder], tmp_path / "page.html") == {}
    text = (tmp_path / "page.html").read_text()
    assert f"run: the run is not analysed yet; run `workbench analyze {folder}`" in text


def test_a_run_without_known_correctness_has_nothing_to_be_compared(copied, tmp_path):
    import pyarrow.parquet as pq

    folder = copied[1]
    for path in folder.glob("expectations/*.parquet"):
        table = pq.read_table(path)
        place = table.schema.get_field_index("num_unknown")
        table = table.set_column(place, "num_unknown", table.column("n"))
        pq.write_table(table, path)
    write_comparison([folder], tmp_path / "page.html")
    assert "correctness is known" in (tmp_path / "page.html").read_text()


def test_a_mistake_in_what_is_compared_is_refused(cli, finished, two, tmp_path):
    page = tmp_path / "page.html"
    cli("compare", finished[1], finished[1], "--html", page).refuses("is given twice")
    cli("compare", finished[1], "--html", page, "--k", "7").refuses("nothing is known at k = 7")
    cli("compare", tmp_path, "--html", page).refuses("is not a run")
    manifest = json.loads((finished[1] / "manifest.json").read_text())
    assert manifest["stages"]["analyze"]["status"] == "done"
    assert not page.exists()
