from html.parser import HTMLParser
from importlib.metadata import version

import pytest
import vl_convert

from workbench.analysis.page.headline import Headline, Tile
from workbench.analysis.page.html import Page, PageFigure, render, vega
from workbench.analysis.page.tables import PageTable

EVIL = "</script><img src=x onerror=alert(1)>\"'"


def test_all_text_is_escaped_and_nothing_is_fetched():
    table = PageTable(
        name=EVIL, summary=EVIL, notes=[EVIL], columns=[(EVIL, "")], rows=[[EVIL]], count=1
    )
    page = Page(
        title=EVIL, kind=EVIL, signatures=[EVIL], notices=[EVIL],
        headline=Headline(EVIL, [Tile(EVIL, EVIL, EVIL)], [EVIL], table),
        figures=[PageFigure("a", EVIL, None, EVIL), PageFigure("b", EVIL, {"title": EVIL})],
        tables=[table, PageTable(name="none", summary=EVIL, notes=[EVIL])], about=[table],
        settings={EVIL: EVIL},
    )  # fmt: skip
    text = render(page)
    assert "</script" not in vega()
    ours = text.replace(vega(), "")
    assert EVIL not in ours
    assert "<img" not in ours
    assert ours.count("<script") == 3  # the data, Vega and the page's
    assert "default-src 'none'" in ours
    links = Links()
    links.feed(ours)
    assert links.found
    assert all(link.startswith(("#", "data:,")) for link in links.found)


class Links(HTMLParser):
    """Whatever a page points at."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found += [value for name, value in attrs if name in ("src", "href", "action")]


def test_a_page_without_figures_or_samples_carries_no_vega():
    text = render(Page(title="t", kind="k", signatures=["s"], headline=Headline("Nothing yet.")))
    assert len(text) < 100_000
    assert "Nothing yet." in text


def test_the_script_of_charts_is_kept_for_the_next_process(monkeypatch, tmp_path):
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path))
    monkeypatch.setattr(vl_convert, "javascript_bundle", lambda _: "'é </script>'")
    assert vega.__wrapped__() == "'é <\\/script>'"
    assert [path.name for path in (tmp_path / "scripts").iterdir()] == [
        f"vega-embed-{version('vl-convert-python')}.js"
    ]
    monkeypatch.delattr(vl_convert, "javascript_bundle")
    assert vega.__wrapped__() == "'é <\\/script>'"
    monkeypatch.setattr("workbench.analysis.page.html.version", lambda _: "another")
    with pytest.raises(AttributeError):
        vega.__wrapped__()


def test_the_script_of_charts_is_made_where_no_cache_can_be_written(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(vl_convert, "javascript_bundle", lambda _: "made")
    assert vega.__wrapped__() == "made"
