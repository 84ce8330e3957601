"""What is said of a look at a run: the same words on the terminal, in a log and on the page."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.analysis.live.looks import ConditionLook, Look, StageLook
from workbench.analysis.live.speed import LATELY

UNITS = {"generate": "samples"}
"""What a stage counts; others count blocks."""
WORK = {"generate": "drawing", "score": "scoring", "measure": "measuring", "analyze": "analysing"}
FEW = 4
"""Conditions of which a line of a log gives each accuracy; of more it gives the range."""


def state(look: Look) -> str:
    """Say in a sentence whether the run goes on, and what goes on with it where it does not."""
    stage = look.stage
    if look.going and not look.stages:
        return "The run is being set up: nothing is drawn yet."
    if look.going:
        return f"The run goes on: {WORK[stage.name] if stage else 'between two stages'}."
    if look.finished:
        return "The run has ended, with all stages done."
    if not look.stages:
        return f"Nothing is drawn yet, and no process works on it. `{look.command}` goes on."
    if stage is None:
        left = [one.name for one in look.stages if one.status != "done"]
        return f"Not begun: {', '.join(left)}. No process works on it. `{look.command}` goes on."
    how = "was killed" if stage.status == "running" else "was stopped"
    ago = spell_time((look.at - look.written).total_seconds()) if look.written else "some time"
    return (
        f"The run {how} while {WORK[stage.name]}; it last wrote {ago} ago. What is finished is "
        f"kept: `{look.command}` goes on."
    )


def progress(stage: StageLook) -> str:
    """Say how far a stage is: ``2,000 of 5,120 samples (39 %)``."""
    if not stage.status:
        return "not begun"
    if not stage.of:
        return stage.status
    share = f" ({stage.done / stage.of:.0%})"
    return f"{stage.done:,} of {stage.of:,} {UNITS.get(stage.name, 'blocks')}{share}"


def stage_words(stage: StageLook) -> str:
    """Say how a stage stands: its progress, the time it took, and what is left."""
    if not stage.status:
        return "not begun"
    if stage.status == "done":
        return f"{progress(stage)}, done in {spell_time(stage.seconds)}"
    left = "" if stage.seconds_left is None else f", about {spell_time(stage.seconds_left)} left"
    return f"{progress(stage)}, {spell_time(stage.seconds)} so far{left}"


def speed(look: Look) -> str:
    """Say how fast tokens come: over the last minute, and in all."""
    said = []
    if look.lately is not None:
        over = "minute" if look.lately_over >= LATELY else spell_time(look.lately_over)
        said.append(f"{look.lately:,.0f} tokens/s over the last {over}")
    if look.in_all is not None:
        said.append(f"{look.in_all:,.0f} {'' if said else 'tokens/s '}{look.in_all_of}")
    return ", ".join(said)


def log_line(look: Look) -> str:
    """Return a line for a log: when, how far, how fast, and what it shows."""
    parts = [look.at.astimezone().strftime("%Y-%m-%d %H:%M:%S")]
    stage = look.stage or look.drawing
    if stage and look.going and look.stage:
        left = "" if stage.seconds_left is None else f"{spell_time(stage.seconds_left)} left"
        parts.append(f"{stage.name}: {progress(stage)}")
        parts += [text for text in (speed(look), left) if text]
    else:
        parts.append(state(look))
    return "; ".join([" ".join(parts[:1]), ", ".join(parts[1:]).rstrip("."), *_shown(look)])


def _shown(look: Look) -> Iterator[str]:
    """Yield the accuracies and coverages; of many conditions the lowest and the highest."""
    found = [one for one in look.conditions if one.so_far and one.so_far.accuracy.problems]
    if not found:
        return
    if len(found) <= FEW:
        for one in found:
            assert one.so_far is not None
            yield f"{one.name}: accuracy {one.so_far.accuracy}, {coverage(one)}"
        return
    for what in ("accuracy", "coverage"):
        values = [getattr(one.so_far, what).value for one in found]
        yield f"{what} {min(values):.2f} to {max(values):.2f}"


def coverage(condition: ConditionLook) -> str:
    """Say what the coverage of a condition is, and at which k: ``pass@8 0.71 [0.60, 0.81]``."""
    so_far = condition.so_far
    return f"pass@{so_far.k} {so_far.coverage}" if so_far and so_far.k else "-"


def notes(look: Look) -> list[str]:
    """Return what is to be known beside the numbers."""
    failed = f"{look.failed:,} samples could not be drawn (error rows)"
    return [*look.notes, *([failed] if look.failed else [])]


def spell_time(seconds: float) -> str:
    """Spell a span of time as people do.

    Example:
        >>> spell_time(7.2), spell_time(150), spell_time(8000), spell_time(200_000)
        ('7 s', '2 min 30 s', '2 h 13 min', '2 d 7 h')
    """
    whole = max(0, round(seconds))
    sizes = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))
    parts = []
    for name, size in sizes:
        count, whole = divmod(whole, size)
        parts.append((count, name))
    first = next((place for place, (count, _) in enumerate(parts) if count), len(parts) - 1)
    shown = [f"{count} {name}" for count, name in parts[first : first + 2] if count]
    return " ".join(shown) or "0 s"
