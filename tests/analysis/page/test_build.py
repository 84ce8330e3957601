import re

from analysis.page.build import Drawn, Page, render, vega
from analysis.page.headline import Headline, Tile
from analysis.page.shown import Shown

EVIL = "</script><img src=x onerror=alert(1)>\"'"


def test_all_text_is_escaped_and_nothing_is_fetched():
    table = Shown(
        name=EVIL, summary=EVIL, notes=[EVIL], columns=[(EVIL, "")], rows=[[EVIL]], count=1
    )
    page = Page(
        title=EVIL, kind=EVIL, signatures=[EVIL], notices=[EVIL],
        headline=Headline(EVIL, [Tile(EVIL, EVIL, EVIL)], [EVIL], table),
        figures=[Drawn("a", EVIL, None, EVIL), Drawn("b", EVIL, {"title": EVIL})],
        tables=[table, Shown(name="none", summary=EVIL, notes=[EVIL])], about=[table],
        settings={EVIL: EVIL},
    )  # fmt: skip
    text = render(page)
    assert EVIL not in text
    assert "<img" not in text
    assert text.count("<script") == 3  # the data, Vega and ours
    assert "default-src 'none'" in text
    ours = text.replace(vega(), "")
    assert not re.findall(r"""(?:src|href)=["']?(?!#|data:,)[^"'\s>]+""", ours)
    assert not re.findall(r"https?://(?!vega\.github\.io/schema)", ours)


def test_a_page_without_figures_or_samples_carries_no_vega():
    text = render(Page(title="t", kind="k", signatures=["s"], headline=Headline("Nothing yet.")))
    assert len(text) < 100_000
    assert "Nothing yet." in text
