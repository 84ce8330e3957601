"""The standard work: 50 problems, two temperatures, 32 samples each, 20 subsets of 4, 8, 16 and 32.

The peer is what a careful researcher writes: numpy for each subset, and nltk's BLEU of every pair
of a pool once, in a matrix that all subsets look things up in.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from nltk import ngrams
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu
from threadpoolctl import threadpool_limits

from tests.bench import DATA, Row, once, seconds
from tests.bench.growth import used_by
from tests.bench.synthetic import make_run
from workbench.analysis.aggregate.outcomes import picked, subset_outcomes
from workbench.config.schema import Experiment, Generation, Measure, Selection, TaskSettings
from workbench.core.subsets import draw_subsets
from workbench.core.types import Floats, Ints
from workbench.measure.evaluate import compute_known
from workbench.pools import Pool

PROBLEMS, TEMPERATURES, N = 50, (0.6, 1.0), 32
SIZES, REPLICATES = (4, 8, 16, 32), 20
WORDS = 100
"""In a completion, about."""
DIMENSIONS, JITTER = 384, 1e-6
METRICS = ("distinct_3", "cos_sim", "dpp", "qual_dpp", "avg_log_prob")
RULES = ("maj", "best", "sem_mbr", "lex_mbr")
SAME = 1e-12
"""Mean utilities that are this near are a tie, as of two equal texts."""
POOLS = 600
"""Of 64 samples, which one process measures, and two."""

Columns = dict[str, Floats]


def rows(full: bool) -> Iterator[Row]:
    """Time the standard work beside the peer, then several processes beside one."""
    if DATA.exists():
        yield _standard()
    else:
        print(f"standard: left out, as there are no real solutions in {DATA}", file=sys.stderr)
    with tempfile.TemporaryDirectory() as home:
        one, two = (Path(home) / str(workers) for workers in (1, 2))
        walls = _measured(one, 1), _measured(two, 2)
        for path in one.glob("*/block-*.parquet"):
            if path.read_bytes() != (two / path.relative_to(one)).read_bytes():
                raise RuntimeError(f"two processes make another {path.relative_to(one)} than one")
    yield Row(
        f"measure {POOLS} pools, N = 64, with --workers 2", f"{walls[1]:.1f} s",
        f"{walls[0]:.1f} s (one process)", walls[0] / walls[1], "the same bytes",
        "2 cores: 2 x, less the start of two processes",
    )  # fmt: skip


def _standard() -> Row:
    experiment = Experiment(
        name="standard",
        task=TaskSettings(name="arithmetic", num_problems=PROBLEMS),
        generation=Generation(model="none", n=N, temperatures=TEMPERATURES),
        measure=Measure(k=SIZES, replicates=REPLICATES, metrics=METRICS, dpp_jitter=JITTER),
        selection=Selection(aggregators=RULES),
    )
    pools = list(_pools(np.random.default_rng(0)))
    rng = np.random.default_rng(1)
    drawn = [[draw_subsets(N, k, REPLICATES, rng) for k in SIZES] for _ in pools]
    with threadpool_limits(1, user_api="blas"):  # one process, one core: both sides
        mine = partial(_ours, pools, drawn, experiment)
        ours = seconds(mine, repeats=5)
        theirs: list[Columns] = []
        peer = once(lambda: theirs.extend(_peer(pools, drawn)))
    _same(pools, drawn, experiment, mine(), theirs)
    return Row(
        f"standard work: {len(pools)} pools of {N}, {len(pools) * len(SIZES) * REPLICATES:,} "
        "subsets, 5 metrics, 4 selections",
        f"{ours:.2f} s", f"{peer:.1f} s (numpy and one nltk matrix per pool)", peer / ours,
        "at least 40 x",
    )  # fmt: skip


def _pools(rng: np.random.Generator) -> Iterator[Pool]:
    """Pools of worked solutions with words changed, which resemble one another as samples do."""
    path = next(iter(sorted((DATA / "problems").glob("gsm8k_*"))))
    solutions = [json.loads(line)["solution"].split() for line in path.open(encoding="utf-8")]
    vocabulary = np.array(sorted({word for words in solutions for word in words}))
    for problem in range(PROBLEMS):
        text: list[str] = []
        while len(text) < WORDS:
            text += solutions.pop(0)
        del text[WORDS:]
        common = rng.normal(size=DIMENSIONS)
        for temperature in TEMPERATURES:
            share = 0.3 * temperature * rng.random(N)  # of its words that a sample has changed
            texts = tuple(_edited(text, changed, vocabulary, rng) for changed in share)
            vectors = common + rng.normal(size=(N, DIMENSIONS))
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            logprobs = -rng.exponential(0.4, N)
            clusters = rng.zipf(1.5, N) % 12 - 1  # -1: no answer
            yield Pool(
                problem_id=f"p{problem}", temperature=temperature, texts=texts, logprobs=logprobs,
                num_tokens=np.full(N, float(WORDS)), answers=tuple(map(str, clusters)),
                clusters=clusters, correct=(clusters == 0).astype(float),
                statuses=("answered",) * N, rewards={"likelihood": logprobs}, embeddings=vectors,
            )  # fmt: skip


def _edited(
    words: Sequence[str], share: float, vocabulary: Sequence[str], rng: np.random.Generator
) -> str:
    """A text of which a share of the words is dropped, doubled or another."""
    kinds = np.where(rng.random(len(words)) < share, rng.integers(1, 4, len(words)), 0)
    others = rng.choice(vocabulary, len(words))
    forms = [([word], [], [word, word], [other]) for word, other in zip(words, others, strict=True)]
    return " ".join(word for form, kind in zip(forms, kinds, strict=True) for word in form[kind])


def _ours(
    pools: Sequence[Pool], drawn: Sequence[Sequence[Ints]], experiment: Experiment
) -> list[Columns]:
    """What measuring and picking do with the subsets of a pool."""
    found = []
    for pool, sizes in zip(pools, drawn, strict=True):
        afresh = dataclasses.replace(pool)  # without the matrices of the last time
        for subsets in sizes:
            columns = compute_known(METRICS, afresh, subsets, experiment.measure)
            found.append(columns | subset_outcomes(afresh, subsets, experiment.selection))
    return found


def _peer(pools: Sequence[Pool], drawn: Sequence[Sequence[Ints]]) -> Iterator[Columns]:
    method1 = SmoothingFunction().method1
    for pool, sizes in zip(pools, drawn, strict=True):
        tokens = [text.split() for text in pool.texts]
        bleu = np.array([
            [sentence_bleu([there], here, smoothing_function=method1) for there in tokens]
            for here in tokens
        ])  # fmt: skip
        for subsets in sizes:
            looks = [_look(pool, tokens, bleu, members) for members in subsets]
            yield {name: np.array([look[name] for look in looks]) for name in looks[0]}


def _look(
    pool: Pool, tokens: Sequence[Sequence[str]], bleu: Floats, members: Ints
) -> dict[str, float]:
    """One subset: metrics, and the sample that each rule picks."""
    k = len(members)
    vectors = pool.embeddings[members]  # type: ignore[index]
    cosines = vectors @ vectors.T
    trigrams = [gram for i in members for gram in ngrams(tokens[i], 3)]
    log_volume = np.linalg.slogdet(cosines + JITTER * np.eye(k))[1]
    votes = Counter(c for c in pool.clusters[members].tolist() if c >= 0).most_common(1)
    voted = members[pool.clusters[members].tolist().index(votes[0][0])] if votes else -1
    return {
        "distinct_3": len(set(trigrams)) / len(trigrams),
        "cos_sim": (cosines.sum() - np.trace(cosines)) / (k * (k - 1)),
        "dpp": log_volume,
        "qual_dpp": log_volume + pool.logprobs[members].sum(),
        "avg_log_prob": pool.logprobs[members].mean(),
        "maj": voted,
        "best": members[np.argmax(pool.logprobs[members])],
        "sem_mbr": members[_most(cosines)],
        "lex_mbr": members[_most(bleu[np.ix_(members, members)])],
    }


def _most(utility: Floats) -> int:
    """The first of largest mean utility against the others."""
    means = (utility.sum(axis=1) - np.diag(utility)) / (len(utility) - 1)
    return int(np.argmax(means >= means.max() - SAME))


def _same(
    pools: Sequence[Pool],
    drawn: Sequence[Sequence[Ints]],
    experiment: Experiment,
    ours: Sequence[Columns],
    theirs: Sequence[Columns],
) -> None:
    """Refuse results that are not the peer's: metrics to 1e-9, picks to the sample."""
    places = [
        (pool, subsets) for pool, sizes in zip(pools, drawn, strict=True) for subsets in sizes
    ]
    for (pool, subsets), mine, peer in zip(places, ours, theirs, strict=True):
        for name in METRICS:
            np.testing.assert_allclose(mine[name], peer[name], rtol=1e-9, atol=1e-9, err_msg=name)
        for name in RULES:
            picks = picked(name, pool, subsets, experiment.selection)
            np.testing.assert_array_equal(picks, peer[name], err_msg=name)
            right = np.where(picks >= 0, pool.correct[picks], 0.0)
            np.testing.assert_array_equal(mine[f"{name}_correct"], right, err_msg=name)


def _measured(run: Path, workers: int) -> float:
    """Wall time of measuring a synthetic run from the command line, in seconds."""
    make_run(run, POOLS, 64)
    start = time.perf_counter()
    used_by(
        [sys.executable, "-m", "workbench.cli.app", "measure", str(run), "--workers", str(workers)]
    )
    return time.perf_counter() - start
