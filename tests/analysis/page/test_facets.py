"""The selects of figures of several factors, in a browser."""

import pytest

from workbench.analysis.page.report import write_report

FIGURE = "#figure-coverage_curve"


@pytest.fixture(scope="module")
def page_of_factors(crossed, tmp_path_factory):
    return write_report(crossed, tmp_path_factory.mktemp("factors") / "page.html")


def opened(visit, page, **options):
    place = visit(page, **options)
    figure = place.locator(FIGURE)
    figure.evaluate("details => { details.open = true; }")
    figure.scroll_into_view_if_needed()
    figure.locator(".chart.drawn svg.marks").wait_for()
    return place, figure


def texts(figure):
    return figure.locator("svg.marks text").all_text_contents()


def shapes_of_one_colour(figure):
    found = figure.locator("svg.marks .mark-symbol.role-mark path").evaluate_all(
        "paths => paths.map(path => [path.getAttribute('fill'), path.getAttribute('d')])"
    )
    return {shape for fill, shape in found if fill == found[0][0]}


def choose(figure, label, level):
    figure.locator(".chart").evaluate("place => place.classList.remove('drawn')")
    figure.locator(f"label:has-text('{label}') select").select_option(label=level)
    figure.locator(".chart.drawn svg.marks").wait_for()


def test_the_reader_chooses_what_stands_where(visit, page_of_factors):
    _, figure = opened(visit, page_of_factors)
    selects = figure.locator("form.facets select")
    chosen = [
        select.evaluate("one => one.selectedOptions[0].textContent") for select in selects.all()
    ]
    assert chosen == ["min_p", "temperature", "prompt", "all"]
    assert {"min_p", "temperature", "prompt", "0.5", "1.5", "brief"} <= {*texts(figure)}
    assert texts(figure).count("1.5") == 3  # a column of each outcome
    choose(figure, "Rows", "none")
    assert "lines of one colour differ in prompt" in " ".join(texts(figure))
    assert len(shapes_of_one_colour(figure)) == 2  # one for each prompt
    choose(figure, "Colours", "prompt")
    assert "lines of one colour differ in min_p" in " ".join(texts(figure))
    choose(figure, "Shown", "maj@k: accuracy")
    assert texts(figure).count("1.5") == 1
    assert "pass@k: accuracy" not in texts(figure)
    assert visit.wrong == []


def test_the_selects_are_reached_by_keys_and_named(visit, page_of_factors):
    place, figure = opened(visit, page_of_factors, scheme="dark")
    first = figure.locator("form.facets select").first
    first.focus()
    place.keyboard.press("Tab")
    assert place.evaluate("document.activeElement.closest('label').firstChild.textContent") == (
        "Columns"
    )
    assert "coverage_curve" in figure.locator("form.facets").get_attribute("aria-label")
    assert visit.wrong == []


def test_a_narrow_page_does_not_scroll_sideways(visit, page_of_factors):
    place, figure = opened(visit, page_of_factors, width=390)
    assert place.evaluate("document.documentElement.scrollWidth") <= 390
    assert figure.locator("svg.marks").bounding_box()["width"] <= 350
    assert visit.wrong == []


def test_a_figure_that_is_drawn_again_keeps_its_size(visit, page_of_factors):
    place, figure = opened(visit, page_of_factors)
    before = figure.locator("svg.marks").bounding_box()
    figure.locator(".chart").evaluate("place => place.classList.remove('drawn')")
    place.locator("#theme").click()
    figure.locator(".chart.drawn svg.marks").wait_for()
    assert figure.locator("svg.marks").bounding_box()["width"] == before["width"]


def test_the_explorer_lists_conditions_and_links_to_them(visit, page_of_factors):
    place = visit(page_of_factors)
    place.locator("#question h3").wait_for()
    names = place.locator("#condition option").all_text_contents()
    assert {"T = 0.5", "T1.5-min_p0.1-brief"} <= {*names}
    assert place.locator("label:has(#condition)").inner_text().startswith("Condition")
    place.locator("#condition").select_option("T1.5-min_p0.1-brief")
    place.locator(".pool h3", has_text="T1.5-min_p0.1-brief").wait_for()
    assert place.evaluate("location.hash").endswith("/T1.5-min_p0.1-brief")
    assert visit.wrong == []


def test_a_run_of_temperatures_alone_has_no_selects(visit, finished, tmp_path):
    _, figure = opened(visit, write_report(finished[1], tmp_path / "page.html"))
    assert figure.locator("select").count() == 0
