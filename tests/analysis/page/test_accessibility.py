"""axe-core finds nothing serious in a page, in light and dark, on a wide and a narrow screen."""

import json

import pytest

from workbench.analysis.page.report import write_report

axe = pytest.importorskip(
    "axe_playwright_python.sync_playwright",
    reason="axe-playwright-python, which carries axe-core, is not installed",
)


@pytest.fixture(scope="module")
def report(embedded, tmp_path_factory):
    return write_report(embedded[1], tmp_path_factory.mktemp("report") / "report.html")


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_is_found(visit, report, scheme, width):
    page = visit(report, width=width, scheme=scheme)
    page.wait_for_selector(".sample")
    page.get_by_role("button", name="Open all").click()
    for place in page.locator("#figures > details[open] .chart").all():
        place.scroll_into_view_if_needed()
        place.locator("svg").first.wait_for()
    results = axe.Axe().run(page)
    assert results.response["passes"], "axe looked at nothing"
    serious = [
        (found["id"], found["help"], [node["html"][:200] for node in found["nodes"][:5]])
        for found in results.response["violations"]
        if found["impact"] in ("serious", "critical")
    ]
    assert serious == [], json.dumps(serious, indent=1)
    assert visit.wrong == []
