"""METRICS: what can be measured of a subset of a pool's samples.

Arrays in, arrays out: no files, no models. To add a metric, write its function in a file of this
folder, and one line here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from math import inf
from typing import Any

from workbench.core.types import Floats
from workbench.metrics.answers import answer_entropy, group_sizes, num_answers
from workbench.metrics.bleu import self_bleu
from workbench.metrics.cosine import mean_cosine
from workbench.metrics.distinct import distinct, distinct_texts
from workbench.metrics.dpp import log_volume, plain_log_volume, quality_log_volume
from workbench.metrics.entropy import mean_entropy
from workbench.metrics.likelihood import mean_length, mean_logprob
from workbench.metrics.spectrum import eigenvalues, rankme, spectral_alpha
from workbench.metrics.vendi import vendi


@dataclass(frozen=True, slots=True)
class Shared:
    """What several metrics are made from, worked out once for a pool and its subsets."""

    fn: Callable[..., Any]
    """(its needs, settings) -> an array with one row per subset."""
    needs: tuple[str, ...]
    """Fields of ``Pool``, and ``subsets`` (S, K), handed to ``fn`` in this order."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Keyword of ``fn`` -> field of ``config.Measure`` that it is given."""


SHARED: dict[str, Shared] = {
    "spectrum": Shared(eigenvalues, ("similarity", "subsets")),
    "log_volumes": Shared(log_volume, ("similarity", "subsets"), {"jitter": "dpp_jitter"}),
    "answer_sizes": Shared(group_sizes, ("clusters", "subsets")),
}


@dataclass(frozen=True, slots=True)
class Metric:
    """A function over subsets and what a reader needs in order to use it."""

    fn: Callable[..., Floats]
    """(its needs) -> (S,) float64."""
    needs: tuple[str, ...]
    """Fields of ``Pool``, ``subsets`` (S, K) and lines of ``SHARED``, handed to ``fn`` in this
    order."""
    label: str
    """Axis label, with the unit in brackets."""
    summary: str
    """One line, saying which direction is more diverse."""
    pairwise: bool = False
    """About pairs of samples, or how they lie together, hence NaN for a subset of one."""

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of ``Pool`` that it is made from, directly or through what is shared."""
        found: list[str] = []
        for need in self.needs:
            found += SHARED[need].needs if need in SHARED else (need,)
        return tuple(need for need in found if need != "subsets")


def _distinct(n: int) -> Metric:
    """The row of ``distinct_n``."""
    return Metric(
        partial(distinct, n=n),
        ("ngrams", "subsets"),
        f"distinct {n}-grams [ratio]",
        f"distinct {n}-grams among all of the subset's; larger: more diverse",
    )


def _vendi(q: float) -> Metric:
    """The row of ``vendi_q``."""
    return Metric(
        partial(vendi, q=q),
        ("spectrum",),
        f"Vendi score of order {q:g} [samples]",
        f"effective number of distinct samples, order {q:g}; larger: more diverse, at equal k only",
    )


METRICS: dict[str, Metric] = {
    "avg_log_prob": Metric(
        mean_logprob,
        ("logprobs", "subsets"),
        "mean log-probability [nats/token]",
        "mean token log-probability of the samples; larger: likelier, so usually less diverse",
    ),
    "seq_entropy": Metric(
        mean_entropy,
        ("entropies", "subsets"),
        "mean token entropy [nats]",
        "mean token entropy of the samples; larger: less certain, so usually more diverse",
    ),
    "num_tokens": Metric(
        mean_length,
        ("num_tokens", "subsets"),
        "mean length [tokens]",
        "mean length of the samples; a covariate: says nothing of diversity in either direction",
    ),
    "cos_sim": Metric(
        mean_cosine,
        ("similarity", "subsets"),
        "mean cosine similarity [-1 to 1]",
        "mean cosine of sentence embeddings over pairs; larger: LESS diverse",
        pairwise=True,
    ),
    "distinct_1": _distinct(1),
    "distinct_2": _distinct(2),
    "distinct_3": _distinct(3),
    "distinct_4": _distinct(4),
    "distinct_texts": Metric(
        distinct_texts,
        ("text_ids", "subsets"),
        "distinct texts [ratio]",
        "share of distinct texts; larger: more diverse",
    ),
    "dpp": Metric(
        plain_log_volume,
        ("log_volumes",),
        "DPP log-volume [-]",
        "log-determinant of the embeddings' cosine matrix; larger: more diverse, at equal k only",
    ),
    "qual_dpp": Metric(
        quality_log_volume,
        ("log_volumes", "log_quality", "subsets"),
        "quality-weighted DPP log-volume [-]",
        "dpp plus the sum of log qualities; larger: more diverse and better, at equal k only",
    ),
    "vendi_0.5": _vendi(0.5),
    "vendi_1": _vendi(1),
    "vendi_2": _vendi(2),
    "vendi_inf": _vendi(inf),
    "rankme": Metric(
        rankme,
        ("spectrum",),
        "RankMe effective rank [samples]",
        "effective rank of the embeddings; larger: more diverse, at equal k only",
    ),
    "spectral_alpha": Metric(
        spectral_alpha,
        ("spectrum",),
        "decay exponent of the spectrum [-]",
        "how fast the cosine matrix's eigenvalues decay; larger: LESS diverse, at equal k only",
        pairwise=True,
    ),
    "self_bleu": Metric(
        self_bleu,
        ("bleu", "subsets"),
        "mean pairwise BLEU [0 to 1]",
        "mean sentence BLEU over ordered pairs; larger: LESS diverse",
        pairwise=True,
    ),
    "answer_entropy": Metric(
        answer_entropy,
        ("answer_sizes",),
        "answer entropy [nats]",
        "entropy of the answers given; larger: more diverse answers",
    ),
    "num_answers": Metric(
        num_answers,
        ("answer_sizes",),
        "different answers [count]",
        "number of different answers given; larger: more diverse answers",
    ),
}
