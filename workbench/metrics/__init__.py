"""METRICS: what can be measured of a subset of a pool's samples.

Every metric is a function from arrays to one number per subset; no file is read here and no model
is loaded. ``subsets`` is always (S, K) indices into the N samples of a pool. The room imports
``core`` alone. Start reading in ``likelihood.py``, the shortest, and then ``Metric`` below. To add
a metric, write its function in a file of this folder and give it a row in ``METRICS``; the tests of
all metrics then apply to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from math import inf
from typing import Any, Literal, get_args

from workbench.core.call_check import refuse_call
from workbench.core.name_table import NameTable
from workbench.core.types import Floats
from workbench.metrics.answers import answer_entropy, group_sizes, num_answers
from workbench.metrics.bleu import self_bleu
from workbench.metrics.cosine import mean_cosine
from workbench.metrics.distinct import distinct, distinct_texts
from workbench.metrics.dpp import log_volume, quality_log_volume
from workbench.metrics.entropy import mean_entropy
from workbench.metrics.likelihood import mean_length, mean_logprob
from workbench.metrics.spectrum import eigenvalues, rankme, spectral_alpha
from workbench.metrics.vendi import vendi

LargerMeans = Literal["more diverse", "less diverse", "neither"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Intermediate:
    """A result that several metrics are computed from, computed once per pool and subset size."""

    fn: Callable[..., Any]
    """(its needs, settings) -> an array with one row per subset."""
    needs: tuple[str, ...]
    """Fields of ``Pool``, and ``subsets`` (S, K), passed to ``fn`` in this order."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Keyword argument of ``fn`` -> the field of ``config.Measure`` that is its value."""


INTERMEDIATES = NameTable("intermediate", {
    "spectrum": Intermediate(fn=eigenvalues, needs=("similarity", "subsets")),
    "log_volumes": Intermediate(
        fn=log_volume, needs=("similarity", "subsets"), settings={"jitter": "dpp_jitter"}
    ),
    "answer_sizes": Intermediate(fn=group_sizes, needs=("clusters", "subsets")),
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A function over subsets, and what a reader and the tests of all metrics need to know of it.

    The example is a metric of one's own, as a notebook would add it.

    >>> row = Metric(
    ...     fn=lambda num_tokens, subsets: num_tokens[subsets].max(axis=1).astype(float),
    ...     needs=("num_tokens", "subsets"),
    ...     label="longest sample [tokens]",
    ...     summary="length of the longest sample; larger: longer",
    ...     larger_means="neither",
    ... )
    >>> row.fields
    ('num_tokens',)
    """

    fn: Callable[..., Floats]
    """(its needs) -> (S,) float64."""
    needs: tuple[str, ...]
    """Fields of ``Pool``, ``subsets`` (S, K) and rows of ``INTERMEDIATES``: the arguments of
    ``fn``, by their names and in this order."""
    label: str
    """Axis label, with the unit in brackets."""
    summary: str
    """One line, saying which direction is more diverse."""
    larger_means: LargerMeans
    """How to read it, other things being equal. ``neither``: copies of a sample have the value of
    that sample alone."""
    range: tuple[float, float] = (-inf, inf)
    """The smallest and the largest value that it can have."""
    pairwise: bool = False
    """Whether it is about pairs of samples, or how they lie together: NaN for a subset of one."""
    nan_for_copies: bool = False
    """Whether it is NaN for a subset that holds one sample several times and no other."""

    def __post_init__(self) -> None:
        """Refuse what a row written by hand gets wrong first.

        Raises:
            ValueError: ``needs`` is no tuple of names, or ``larger_means`` none of the three.
            TypeError: ``fn`` cannot be called with what the metric needs.
        """
        if not isinstance(self.needs, tuple):
            raise ValueError(
                f"needs must be a tuple, such as ('texts', 'subsets'), not {self.needs!r}"
            )
        if self.larger_means not in (able := get_args(LargerMeans)):
            raise ValueError(f"larger_means must be one of {able}, not {self.larger_means!r}")
        refuse_call("fn", self.fn, self.needs)

    def __repr__(self) -> str:
        """Say what it is and what it needs."""
        return f"Metric({self.label!r}, needs={self.needs}: {self.summary})"

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of ``Pool`` that it is computed from, directly or through intermediates."""
        found = [INTERMEDIATES[n].needs if n in INTERMEDIATES else (n,) for n in self.needs]
        return tuple(name for names in found for name in names if name != "subsets")


METRICS = NameTable("metric", {
    "avg_log_prob": Metric(
        fn=mean_logprob, needs=("logprobs", "subsets"), label="mean log-probability [nats/token]",
        summary="mean token log-probability of the samples; larger: likelier, so usually less "
        "diverse",
        larger_means="neither", range=(-inf, 0)),
    "seq_entropy": Metric(
        fn=mean_entropy, needs=("entropies", "subsets"), label="mean token entropy [nats]",
        summary="mean token entropy of the samples; larger: less certain, so usually more diverse",
        larger_means="neither", range=(0, inf)),
    "num_tokens": Metric(
        fn=mean_length, needs=("num_tokens", "subsets"), label="mean length [tokens]",
        summary="mean length of the samples; a covariate: says nothing of diversity in either "
        "direction",
        larger_means="neither", range=(0, inf)),
    "cos_sim": Metric(
        fn=mean_cosine, needs=("similarity", "subsets"), label="mean cosine similarity [-1 to 1]",
        summary="mean cosine of sentence embeddings over pairs; larger: LESS diverse",
        larger_means="less diverse", range=(-1, 1), pairwise=True),
    **{f"distinct_{n}": Metric(
        fn=partial(distinct, n=n), needs=("ngrams", "subsets"), label=f"distinct {n}-grams [ratio]",
        summary=f"distinct {n}-grams among all of the subset's; larger: more diverse",
        larger_means="more diverse", range=(0, 1)) for n in range(1, 5)},
    "distinct_texts": Metric(
        fn=distinct_texts, needs=("text_ids", "subsets"), label="distinct texts [ratio]",
        summary="share of distinct texts; larger: more diverse",
        larger_means="more diverse", range=(0, 1)),
    "dpp": Metric(
        fn=lambda log_volumes: log_volumes, needs=("log_volumes",), label="DPP log-volume [-]",
        summary="log-determinant of the embeddings' cosine matrix; larger: more diverse, at "
        "equal k only",
        larger_means="more diverse"),
    "qual_dpp": Metric(
        fn=quality_log_volume, needs=("log_volumes", "log_quality", "subsets"),
        label="quality-weighted DPP log-volume [-]",
        summary="dpp plus the sum of log qualities; larger: more diverse and better, at equal k "
        "only",
        larger_means="more diverse"),
    **{f"vendi_{q:g}": Metric(
        fn=partial(vendi, q=q), needs=("spectrum",), label=f"Vendi score of order {q:g} [samples]",
        summary=f"effective number of distinct samples, order {q:g}; larger: more diverse, at "
        "equal k only",
        larger_means="more diverse", range=(1, inf)) for q in (0.5, 1, 2, inf)},
    "rankme": Metric(
        fn=rankme, needs=("spectrum",), label="RankMe effective rank [samples]",
        summary="effective rank of the embeddings; larger: more diverse, at equal k only",
        larger_means="more diverse", range=(1, inf)),
    "spectral_alpha": Metric(
        fn=spectral_alpha, needs=("spectrum",), label="decay exponent of the spectrum [-]",
        summary="how fast the cosine matrix's eigenvalues decay; larger: LESS diverse, at equal "
        "k only",
        larger_means="less diverse", range=(0, inf), pairwise=True, nan_for_copies=True),
    "self_bleu": Metric(
        fn=self_bleu, needs=("bleu", "subsets"), label="mean pairwise BLEU [0 to 1]",
        summary="mean sentence BLEU over ordered pairs; larger: LESS diverse",
        larger_means="less diverse", range=(0, 1), pairwise=True),
    "answer_entropy": Metric(
        fn=answer_entropy, needs=("answer_sizes",), label="answer entropy [nats]",
        summary="entropy of the answers given; larger: more diverse answers",
        larger_means="more diverse", range=(0, inf)),
    "num_answers": Metric(
        fn=num_answers, needs=("answer_sizes",), label="different answers [count]",
        summary="number of different answers given; larger: more diverse answers",
        larger_means="more diverse", range=(0, inf)),
})  # fmt: skip
