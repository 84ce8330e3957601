"""A page of a run that goes on: it loads itself again until the run has ended."""

from __future__ import annotations

import os
from pathlib import Path

from workbench.analysis.live import words
from workbench.analysis.live.looks import Look
from workbench.analysis.page import html
from workbench.analysis.page.report import report
from workbench.core import table_html
from workbench.saved_run import Run

HERE = Path(__file__).parent


def write_page(look: Look, out: Path, seconds: float) -> None:
    """Write the page of a look; of a run that has finished, its report.

    Args:
        look: how the run stands.
        out: the file.
        seconds: after how many the page is loaded again, while the run goes on.
    """
    if look.finished:
        _write(html.render(report(Run(look.root))), out)
        return
    text = table_html.render(
        HERE / "live.html.j2",
        look=look,
        words=words,
        refresh=max(1, round(seconds)) if look.going else None,
        style=(Path(html.__file__).parent / "page.css").read_text(encoding="utf-8"),
    )
    _write(text, out)


def _write(text: str, out: Path) -> None:
    """Write a page whole or not at all.

    Under a name of its own until then: the run itself may write its report at the same moment.
    """
    part = out.with_name(f"{out.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
