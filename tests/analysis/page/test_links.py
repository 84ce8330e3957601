"""A page's links to a problem, whatever the problem is called."""

import json
from urllib.parse import quote

import pytest

from workbench.analysis.page.report import write_report

IDS = ["a/b", "50%", "%25", "100%25", "a/../b", "é 😀", "#x/y", "</script><b>", "[/b]", "x" * 300]


@pytest.fixture(scope="module")
def page_of_ids(cli, tmp_path_factory):
    home = tmp_path_factory.mktemp("links")
    rows = [
        {"problem_id": name, "problem": "?", "gold": "8", "temperature": t, "text": f"{i}: 8"}
        for name in IDS for t in (0.5, 1.0) for i in range(2)
    ]  # fmt: skip
    (home / "samples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    cli.must("import", home / "samples.jsonl", "--out", home / "run")
    return write_report(home / "run", home / "page.html")


def shown(page, name):
    page.wait_for_function(
        "name => document.querySelector('#question h3')?.textContent === name", arg=name
    )


def test_a_link_goes_to_its_problem(visit, page_of_ids):
    page = visit(page_of_ids, f"#{quote(IDS[-1], safe='')}/1")
    shown(page, IDS[-1])
    for name in IDS:
        page.evaluate("link => { location.hash = link; }", f"#{quote(name, safe='')}/0.5")
        shown(page, name)
        assert page.locator("#condition").input_value() == "0.5"
        page.locator("#condition").select_option("1")  # writes a link of its own
        link = page.evaluate("location.hash")
        assert link == f"#{quote(name, safe='')}/1"
        page.evaluate("link => { location.hash = '#/'; location.hash = link; }", link)
        shown(page, name)
    assert visit.wrong == []


def test_a_link_typed_by_hand_may_have_the_id_as_it_is(visit, page_of_ids):
    page = visit(page_of_ids, "#50%/0.5")
    for typed in ("#50%/0.5", "#a/b/0.5", "#%25/0.5"):
        page.evaluate("link => { location.hash = link; }", typed)
        shown(page, typed[1:-4])
    for nothing in ("#50%", "#%", "#100%/none%", "#nobody/0.5", "#/"):
        page.evaluate("link => { location.hash = link; }", nothing)
    shown(page, "%25")
    assert visit.wrong == []


def test_a_link_goes_to_a_sample(visit, page_of_ids):
    page = visit(page_of_ids, f"#{quote('a/b', safe='')}/0.5/1")
    shown(page, "a/b")
    page.wait_for_selector(".sample.named")
    assert "sample 1" in page.locator(".sample.named .facts").inner_text()
    page.get_by_role("link", name="link to sample 0 T = 0.5").click()
    page.wait_for_function("document.querySelector('.sample.named')?.dataset.samples === ' 0 '")
    assert page.url.endswith("/0.5/0")
    assert visit.wrong == []
