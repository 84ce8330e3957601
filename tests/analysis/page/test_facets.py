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
    figure.scroll_into_view_if_needed()
    figure.locator(".chart.drawn svg").wait_for()
    return place, figure


def texts(figure):
    return figure.locator("svg text").all_text_contents()


def choose(figure, label, level):
    figure.locator(".chart").evaluate("place => place.classList.remove('drawn')")
    figure.locator(f"label:has-text('{label}') select").select_option(label=level)
    figure.locator(".chart.drawn svg").wait_for()


def test_the_reader_chooses_what_stands_where(visit, page_of_factors):
    _, figure = opened(visit, page_of_factors)
    selects = figure.locator("form select")
    chosen = [
        select.evaluate("one => one.selectedOptions[0].textContent") for select in selects.all()
    ]
    assert chosen == ["min_p", "temperature", "prompt", "all"]
    assert {"min_p", "temperature", "prompt", "0.5", "1.5", "brief"} <= {*texts(figure)}
    assert figure.locator("svg .role-column-header").count() == 3 * 2
    choose(figure, "Rows", "none")
    assert "lines of one colour differ in prompt" in texts(figure)
    choose(figure, "Colours", "prompt")
    assert "lines of one colour differ in min_p" in texts(figure)
    choose(figure, "Shown", "maj@k: expected accuracy")
    assert figure.locator("svg .role-column-header").count() == 2
    assert "pass@k: expected accuracy" not in texts(figure)
    assert visit.wrong == []


def test_the_selects_are_reached_by_keys_and_named(visit, page_of_factors):
    place, figure = opened(visit, page_of_factors, scheme="dark")
    first = figure.locator("form select").first
    first.focus()
    place.keyboard.press("Tab")
    assert place.evaluate("document.activeElement.closest('label').firstChild.textContent") == (
        "Columns"
    )
    assert "coverage_curve" in figure.locator("form").get_attribute("aria-label")
    assert visit.wrong == []


def test_a_narrow_page_does_not_scroll_sideways(visit, page_of_factors):
    place, figure = opened(visit, page_of_factors, width=390)
    assert place.evaluate("document.documentElement.scrollWidth") <= 390
    assert figure.locator("svg").bounding_box()["width"] <= 350
    assert visit.wrong == []


def test_a_figure_that_is_drawn_again_keeps_its_size(visit, page_of_factors):
    place, figure = opened(visit, page_of_factors)
    before = figure.locator("svg").bounding_box()
    figure.locator(".chart").evaluate("place => place.classList.remove('drawn')")
    place.locator("#theme").click()
    figure.locator(".chart.drawn svg").wait_for()
    assert figure.locator("svg").bounding_box()["width"] == before["width"]


def test_the_explorer_lists_conditions_and_links_to_them(visit, page_of_factors):
    place = visit(page_of_factors)
    place.locator("#question h3").wait_for()
    names = place.locator("#condition option").all_text_contents()
    assert {"T = 0.5", "T1.5-brief-min_p0.1"} <= {*names}
    assert place.locator("label:has(#condition)").inner_text().startswith("Condition")
    place.locator("#condition").select_option("T1.5-brief-min_p0.1")
    place.locator(".pool h3", has_text="T1.5-brief-min_p0.1").wait_for()
    assert place.evaluate("location.hash").endswith("/T1.5-brief-min_p0.1")
    assert visit.wrong == []


def test_a_run_of_temperatures_alone_has_no_selects(visit, finished, tmp_path):
    _, figure = opened(visit, write_report(finished[1], tmp_path / "page.html"))
    assert figure.locator("select").count() == 0
