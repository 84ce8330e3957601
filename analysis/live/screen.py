"""A look at a run on the terminal: at most 24 lines."""

from __future__ import annotations

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from workbench.analysis.live import words
from workbench.analysis.live.looks import Look
from workbench.core.console import console

MOST_LINES = 24
"""Lines of a small terminal."""


def screen(look: Look, width: int, height: int = MOST_LINES) -> Group:
    """Return what is shown of a run, in as many lines as there are, and at most 24."""
    head: list[RenderableType] = [_line(f"{look.root}  {look.signature}", width)]
    said = Text(words.state(look), style="" if look.going or look.finished else "red")
    head.append(said)
    lines = 1 + len(said.wrap(console, width))  # it is never cut: it may hold a command
    for stage in look.stages:
        if stage.status or stage.name == "generate":
            head.append(_line(f"{stage.name:<9} {words.stage_words(stage)}", width))
            lines += 1
            if stage.status in ("running", "interrupted") and stage.of:
                head.append(_bar(stage.done / stage.of, min(60, width)))
                lines += 1
    waiting = [one.name for one in look.stages[1:] if not one.status]
    if waiting:
        head.append(_line(f"not begun {', '.join(waiting)}", width))
        lines += 1
    if look.tokens:
        speed = words.speed(look)
        head.append(_line(f"tokens    {look.tokens:,}{f', {speed}' if speed else ''}", width))
        lines += 1
    foot = [_line(note, width) for note in words.notes(look)][:2]
    room = min(MOST_LINES, height) - 1 - lines - len(foot)
    return Group(*head, *_conditions(look, width, room), *foot)


def print_look(out: Console, look: Look) -> None:
    """Print one look."""
    out.print(screen(look, out.width))


def _bar(share: float, width: int) -> Text:
    """Return a bar that is filled so far."""
    full = round(min(share, 1.0) * width)
    return Text.assemble(("━" * full, "green"), ("─" * (width - full), "dim"))


def _line(text: str, width: int) -> Text:
    """Return one line, cut where the terminal ends."""
    line = Text(text, no_wrap=True)
    line.truncate(width, overflow="ellipsis")
    return line


def _conditions(look: Look, width: int, room: int) -> list[RenderableType]:
    """Return the table of conditions in so many lines; a last one says what is left out."""
    rows = look.conditions
    if not rows or room < 3:
        return []
    fit = room - 1
    shown = rows if len(rows) <= fit else rows[: fit - 1]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("condition", no_wrap=True, overflow="ellipsis")
    for name in ("samples", "of"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("accuracy", "coverage"):
        table.add_column(name, no_wrap=True, overflow="ellipsis")
    for row in shown:
        accuracy = str(row.so_far.accuracy) if row.so_far else "-"
        cells = (row.name, f"{row.drawn:,}", f"{row.of:,}", accuracy, words.coverage(row))
        table.add_row(*map(Text, cells))
    if len(shown) == len(rows):
        return [table]
    left = len(rows) - len(shown)
    return [table, _line(f"... and {left} more conditions: --page shows all", width)]
