"""Where links in a page lead, and what its address says of what is shown."""

import pytest

from workbench.analysis.page.report import write_report


@pytest.fixture(scope="module")
def report(embedded, tmp_path_factory):
    return write_report(embedded[1], tmp_path_factory.mktemp("report") / "report.html")


AT_REST = """async () => {
  const top = () => [scrollY, document.body.scrollHeight].join();
  for (let before = "", still = 0; still < 5; before = top()) {
    await new Promise((done) => setTimeout(done, 100));
    still = top() === before ? still + 1 : 0;
  }
}"""
"""Until nothing has moved for half a second."""


def top_of(page, identity):
    page.evaluate(AT_REST)
    return page.evaluate("name => document.getElementById(name).getBoundingClientRect().top",
                         f"{identity}-title")  # fmt: skip


@pytest.mark.parametrize("width", [1280, 390])
def test_each_section_is_landed_on_the_first_time_too(visit, report, width):
    sections = None
    for number in range(9):
        page = visit(report, width=width)  # anew: nothing below is drawn yet
        page.wait_for_selector(".sample")
        links = page.get_by_role("navigation", name="Sections").get_by_role("link")
        sections = sections or [link.get_attribute("href")[1:] for link in links.all()]
        if number == len(sections):
            break
        links.nth(number).click()
        top = top_of(page, sections[number])
        bottom = page.evaluate("scrollY + innerHeight >= document.body.scrollHeight - 2")
        assert 40 < top < (900 if bottom else 150), sections[number]
        assert page.url.endswith(f"#{sections[number]}")
    assert sections[:2] == ["summary", "figures"]
    assert {"samples", "tables", "about"} <= set(sections)
    for name, link in zip(sections, links.all(), strict=True):  # and one after the other
        link.click()
        assert 40 < top_of(page, name) < 900
    assert visit.wrong == []


def test_an_address_opens_what_it_names_and_keeps_it_in_view(visit, report):
    page = visit(report, "#table-correlation")
    page.evaluate(AT_REST)
    table = page.locator("#table-correlation")
    assert table.get_attribute("open") is not None
    assert 0 < table.evaluate("table => table.getBoundingClientRect().top") < 150
    assert visit.wrong == []


def test_the_address_follows_what_is_opened_and_what_is_read(visit, report):
    page = visit(report)
    page.wait_for_selector(".sample")
    page.locator("#table-correlation > summary").click()
    assert page.url.endswith("#table-correlation")
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_function("location.hash === '#summary'")
    page.evaluate("document.getElementById('question').scrollIntoView()")
    page.wait_for_function("location.hash.startsWith('#problem-0/')")
    page.get_by_label("Next problem").click()
    page.wait_for_function("location.hash.startsWith('#problem-1/')")
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    page.wait_for_function("/^#(about|table-|experiment-|first-)/.test(location.hash)")
    assert visit.wrong == []
