"""Writes a page as one HTML file that holds the template, its style and scripts, and the data.

Nothing is fetched: the file opens from the disk, and a policy inside it forbids requests. All text
is escaped by the template or packed, so that a sample that holds HTML stays text.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from workbench.analysis.doubts import Doubt
from workbench.analysis.page.explorer import Explorer
from workbench.analysis.page.flipped import Flip
from workbench.analysis.page.headline import Headline
from workbench.analysis.page.packing import pack
from workbench.analysis.page.tables import PageTable, first_order, split_by_content
from workbench.analysis.page.typesetting import katex
from workbench.core import table_html
from workbench.core.conditions import UNKNOWN
from workbench.core.types import STATUSES
from workbench.models.locate import cache_folder
from workbench.storage.parquet import write_atomically

HERE = Path(__file__).parent
SCRIPTS = (
    "page.js", "tables.js", "facets.js", "charts.js", "explorer.js", "samples.js", "map.js",
    "flips.js", "grid.js", "typesetting.js", "programs.js",
)  # fmt: skip


@dataclass(frozen=True)
class PageFigure:
    """A chart of a page, or why there is none."""

    name: str
    summary: str
    spec: Mapping[str, Any] | None
    """In Vega-Lite."""
    why: str = ""
    folded: bool = False

    @property
    def identity(self) -> str:
        """The name by which links and the packed chart refer to it."""
        return f"figure-{self.name}"


@dataclass(frozen=True, kw_only=True)
class Page:
    """What a page shows, from top to bottom."""

    title: str
    kind: str
    """The kind of page, such as "Report of a run": stands above the title."""
    signatures: Sequence[str]
    notices: Sequence[str] = ()
    """What is unfinished, out of date or missing of the whole."""
    doubts: Sequence[Doubt] = ()
    """What is to be doubted before anything else is read."""
    headline: Headline
    figures: Sequence[PageFigure] = ()
    tables: Sequence[PageTable] = ()
    explorer: Explorer | None = None
    flips: Sequence[Flip] = ()
    """Problems that changed between two runs or conditions: a list that opens the explorer."""
    about: Sequence[PageTable] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    """The experiment of each run, as text."""
    first_prompt: tuple[str, str] = ("", "")
    """Which prompt was sent first and how, and its text."""


def render(page: Page) -> str:
    """Return a page as HTML."""
    tables, empty = split_by_content(page.tables)
    first = [page.headline.table] if page.headline.table else []
    data: dict[str, Any] = {
        "figures": {f.identity: pack(f.spec) for f in page.figures if f.spec is not None},
        "tables": {t.identity: t.packed for t in (*first, *tables, *page.about) if t.packed},
    }
    formulae = False
    conditions: dict[str, None] = {}  # each once, in order of appearance
    if page.explorer:
        problems = page.explorer.problems
        conditions = dict.fromkeys(pool[0] for one in problems for pool in one["pools"])
        index: dict[str, Any] = {"problems": page.explorer.index, "statuses": STATUSES}
        index["prompts_begin"] = page.explorer.prompts_begin
        formulae = page.explorer.fonts is not None
        if typesetter := katex(page.explorer.fonts or ()) if formulae else {}:
            data["typesetter"] = pack(typesetter)
        if page.explorer.grid:
            data["grid"] = pack(page.explorer.grid)
        data["explorer"] = {"index": pack(index), "chunks": [p["chunk"] for p in problems]}
    return table_html.render(
        HERE / "page.html.j2",
        page=page,
        tables=tables,
        empty=empty,
        data=data,
        grid="grid" in data,
        typeset="typesetter" in data,
        as_written=formulae and "typesetter" not in data,
        first_order=first_order,
        conditions=spelt_conditions(list(conditions)),
        named=any(map(_is_name, conditions)),
        style=(HERE / "page.css").read_text(encoding="utf-8"),
        vega=vega() if data["figures"] or page.explorer else "",
        script="\n".join((HERE / name).read_text(encoding="utf-8") for name in SCRIPTS),
    )


def spelt_conditions(names: Sequence[str]) -> list[tuple[str, str]]:
    """Return what the explorer calls each condition, and how it is written in its list.

    Temperatures stand alone where there is nothing else; beside names they are told as such.

    Example:
        >>> spelt_conditions(["0.7", "1"]), spelt_conditions(["0.7", "T0.7-min_p0.1"])[0]
        ([('0.7', '0.7'), ('1', '1')], ('0.7', 'T = 0.7'))
    """
    if not any(map(_is_name, names)):
        return [(name, name) for name in names]
    return [(name, name if _is_name(name) else f"T = {name}") for name in names]


def _is_name(condition: str) -> bool:
    """Whether what the explorer calls a condition is more than a temperature."""
    return condition != UNKNOWN and not re.fullmatch(r"\d[\d.e+-]*", condition)


def write(page: Page, out: Path) -> None:
    """Write a page, whole or not at all."""
    text = render(page)
    write_atomically(out, lambda part: part.write_text(text, encoding="utf-8"))


@cache
def vega() -> str:
    """Return the script that draws charts: Vega, Vega-Lite and Vega-Embed, in one.

    To put it together takes three seconds, so it is kept in the cache, by vl-convert's version.
    """
    import vl_convert

    kept = cache_folder() / "scripts" / f"vega-embed-{version('vl-convert-python')}.js"
    with suppress(OSError):
        return kept.read_text(encoding="utf-8")
    script = str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))
    # inside a page the end of a script is looked for in its strings too
    script = script.replace("</script", "<\\/script")
    with suppress(OSError):  # without it, the next process makes the script again
        own = kept.with_name(f"{kept.name}.{os.getpid()}")
        write_atomically(own, lambda part: part.write_text(script, encoding="utf-8"))
        own.replace(kept)
    return script
