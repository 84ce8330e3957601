"""How large an experiment is, before anything of it is run: samples, tokens, time and disk."""

import math
import textwrap
from collections.abc import Collection

from workbench.config.conditions import conditions_of
from workbench.config.factors import MODEL
from workbench.config.schema import Experiment
from workbench.core.conditions import (
    TEMPERATURE,
    spell_setting,
    temperature_name,
    varying_factors,
)

PER_SAMPLE, PER_TOKEN, PER_ENTROPY = 60, 7, 4
"""Bytes of a sample with its scores; of a token with its text and log-probability, as real runs
have them packed (2 where most texts are alike); and of a token's entropy."""
PER_DIMENSION, DIMENSIONS = 4, 384
"""Of an embedding: bytes of a number, and numbers as the usual encoder has them."""
PER_SUBSET, PER_RUN, PER_TRACKED = 80, 3_000_000, 1_000_000
"""Bytes of a measured subset; of a run's page, tables and figures; and of its tracked run, which
has a copy of all rows besides."""
SHOWN = 12
"""Conditions of which ``validate`` prints the settings."""
LARGE = 10_000
"""Samples of a design of conditions above which a run asks whether it is meant."""


def requests_of(experiment: Experiment, problems: int) -> int:
    """Return how many samples an experiment draws; greedy ones are in no pool, but are drawn."""
    return problems * sum(one.n for one in conditions_of(experiment.generation))


def tokens_of(experiment: Experiment, problems: int, names: Collection[str] = ()) -> int:
    """Return how many tokens an experiment draws at most; of the named conditions where given."""
    drawn = experiment.generation
    return problems * sum(
        one.n * int(one.own.get("max_tokens", drawn.max_tokens))
        for one in conditions_of(drawn)
        if not names or one.name in names
    )


def condition_lines(experiment: Experiment) -> list[str]:
    """Return the name and the settings of each condition, a line each.

    Of more than thirteen they are the first twelve. There are none where the conditions are
    temperatures alone, as these are said already. A last line names the models of
    ``generation.models`` that no condition has.
    """
    drawn = experiment.generation
    sampled = [one for one in conditions_of(drawn) if not one.greedy]
    factors = varying_factors(sampled)
    lines = []
    if factors != (TEMPERATURE,) or any(
        one.name != temperature_name(one.temperature) for one in sampled
    ):
        shown = sampled if len(sampled) <= SHOWN + 1 else sampled[:SHOWN]
        wide = max(len(one.name) for one in shown)
        factors = tuple(dict.fromkeys([TEMPERATURE, *factors]))
        for one in shown:
            levels = (f"{name} {spell_setting(name, one.own.get(name))}" for name in factors)
            lines.append(f"{one.name:{wide}}  {', '.join(levels)}")
        if left := len(sampled) - len(shown):
            lines.append(f"and {left:,} more")
        heads = ["conditions".ljust(15), *([" " * 15] * len(lines))]
        lines = [head + line for head, line in zip(heads, lines, strict=False)]
    used = {str(one.own.get(MODEL, drawn.model)) for one in sampled}
    if unused := [name for name in drawn.models if name not in used]:
        lines.append(f"not used       models of no condition: {', '.join(unused)}")
    return lines


def size_estimate(experiment: Experiment, problems: int) -> str:
    """Return the sizes of an experiment on so many problems as a few lines of text.

    Pools are pairs of problem and condition; greedy samples are in none, but are drawn. At most
    so many tokens are drawn, and so many subsets measured: "all" where these are all there are.
    """
    drawn = experiment.generation
    conditions = conditions_of(drawn)
    sampled = [one for one in conditions if not one.greedy]
    pools, requests = problems * len(sampled), requests_of(experiment, problems)
    subsets = subsets_of_a_pool(experiment)
    by_k = ", ".join(
        f"k={k}: {'all ' if count == math.comb(drawn.n, k) else ''}{count:,}"
        for k, count in subsets.items()
    )
    baselines = problems * (len(conditions) - len(sampled))
    greedy = f" + {baselines:,} greedy" if baselines else ""
    each_pool = f"{drawn.n} samples"
    if drawn.turns == 2:
        each_pool = f"{drawn.n} first and {drawn.n * drawn.corrections} second answers"
    word = "temperatures" if varying_factors(sampled) == (TEMPERATURE,) else "conditions"
    longest = [one.own.get("max_tokens", drawn.max_tokens) for one in conditions]
    tokens = tokens_of(experiment, problems)
    each = f"{min(longest):,} to {max(longest):,}" if len({*longest}) > 1 else f"{longest[0]:,}"
    return (
        f"problems       {problems:,}\n"
        f"pools          {pools:,} (x {len(sampled)} {word})\n"
        f"requests       {requests:,} (x {each_pool}{greedy})\n"
        f"output tokens  {tokens:,} at most ({each} each)\n"
        f"subsets        {pools * sum(subsets.values()):,} ({by_k} of each pool)"
    )


def large_design(experiment: Experiment, problems: int) -> str:
    """Return the size of a ``grid`` or of ``conditions`` where it is large; '' where it is not.

    Temperatures alone, as an experiment without other factors has them, are never large. Greedy
    samples do not count.
    """
    drawn = experiment.generation
    sampled = [one for one in conditions_of(drawn) if not one.greedy]
    total = len(sampled) * problems * drawn.n
    if not (drawn.grid or drawn.conditions) or total <= LARGE:
        return ""
    return (
        f"{len(sampled):,} conditions x {problems:,} problems x {drawn.n:,} samples = {total:,} "
        f"samples, which is more than {LARGE:,}"
    )


def subsets_of_a_pool(experiment: Experiment) -> dict[int, int]:
    """Return k -> how many subsets of a pool are measured."""
    n, measure = experiment.generation.n, experiment.measure
    return {k: min(math.comb(n, k), measure.replicates) for k in measure.k}


def disk_bytes(
    experiment: Experiment, problems: int, tokens: int, *, embedded: bool, tracked: bool
) -> int:
    """Return about how many bytes a run takes, without the encodings of a reward model.

    Args:
        experiment: what is drawn and measured.
        problems: how many there are.
        tokens: how many are drawn, of all samples together.
        embedded: whether the samples get embeddings.
        tracked: whether Weights & Biases keeps a copy in the run's folder.
    """
    requests = requests_of(experiment, problems)
    pools = problems * sum(not one.greedy for one in conditions_of(experiment.generation))
    per_token = PER_TOKEN + PER_ENTROPY * (
        bool(experiment.generation.logprobs) + len(experiment.scoring.models)
    )
    per_sample = PER_SAMPLE + embedded * PER_DIMENSION * DIMENSIONS
    subsets = pools * sum(subsets_of_a_pool(experiment).values())
    rows = requests * per_sample + tokens * per_token + subsets * PER_SUBSET
    return PER_RUN + rows + tracked * (PER_TRACKED + rows)


def time_line(tokens: int, per_second: float | None, source: str) -> str:
    """Return how long drawing takes, in lines of at most 100 columns.

    Example:
        >>> time_line(3_000_000, 412, "measured in results/quickstart")
        'time           2 h 2 min at most to draw, at 412 tokens/s (measured in results/quickstart)'
        >>> time_line(1000, None, "")
        'time           not known: no run beside it has drawn with this model and backend'
    """
    if per_second is None:
        return "time           not known: no run beside it has drawn with this model and backend"
    spelt = duration(tokens / per_second)
    said = f"{spelt} at most to draw, at {per_second:,.3g} tokens/s ({source})"
    return textwrap.fill(f"time           {said}", 100, subsequent_indent=" " * 15)


def disk_line(needed: int, free: int) -> str:
    """Return the line on the disk that a run takes, and a warning where there is less.

    Example:
        >>> disk_line(3_200_000, 50_000_000_000)
        'disk           about 3.2 MB at most, of 50.0 GB that are free'
        >>> disk_line(80_000_000_000, 50_000_000_000).splitlines()[1].strip()
        'TOO LITTLE: make room, choose another disk with --out, or draw less'
    """
    line = f"disk           about {in_bytes(needed)} at most, of {in_bytes(free)} that are free"
    if needed > free:
        line += f"\n{' ' * 15}TOO LITTLE: make room, choose another disk with --out, or draw less"
    return line


def duration(seconds: float) -> str:
    """Return a time in words.

    Example:
        >>> [duration(seconds) for seconds in (8, 400, 7260, 400_000)]
        ['8 s', '7 min', '2 h 1 min', '4 d 15 h']
    """
    if seconds < 90:
        return f"{math.ceil(seconds)} s"
    minutes = math.ceil(seconds / 60)
    hours, minutes = divmod(minutes, 60)
    days, rest = divmod(hours, 24)
    if days:
        return f"{days} d {rest} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def in_bytes(size: int) -> str:
    """Return a size in words.

    Example:
        >>> [in_bytes(size) for size in (900, 3_200_000, 50_000_000_000)]
        ['0.9 kB', '3.2 MB', '50.0 GB']
    """
    power = min(max(math.floor(math.log10(max(size, 1))) // 3, 1), 4)
    return f"{size / 1000**power:,.1f} {('kB', 'MB', 'GB', 'TB')[power - 1]}"
