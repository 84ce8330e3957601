"""Intervals whose unit is the problem: the tables of 32,000 subsets of 200 problems."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy import stats

from tests.bench import Row, once, seconds
from workbench.analysis.buckets import bucket_numbers
from workbench.analysis.correlation import LEVELS, correlations
from workbench.analysis.frames import POOL, Data
from workbench.analysis.stats.bootstrap import Resamples, fisher_interval
from workbench.analysis.stats.ranks import rank_covariances
from workbench.analysis.tables.accuracy import (
    accuracy_by_k,
    accuracy_by_k_temperature,
    accuracy_by_temperature,
)
from workbench.analysis.tables.correlations import COVARIATES, partial_correlation
from workbench.analysis.tables.diversity import buckets
from workbench.config.schema import (
    Analysis,
    Experiment,
    Generation,
    Measure,
    Selection,
    TaskSettings,
)
from workbench.saved_run import Run
from workbench.storage.manifest import Manifest
from workbench.storage.parquet import write_table
from workbench.storage.run_folder import Folder

PROBLEMS, K, TEMPERATURES, REPLICATES = 200, (4, 8, 16, 32), (0.3, 1.0), 20
METRICS = ["avg_log_prob", "num_tokens", "cos_sim", "distinct_3", "dpp"]
OUTCOMES = ["maj_correct", "best_correct", "sem_mbr_correct", "lex_mbr_correct", "coverage"]
RESAMPLES, RANKED, FEW, LEFT_OUT = 10_000, 2_000, 100, 10
ACCURACIES = {
    accuracy_by_k: ["k"], accuracy_by_temperature: ["temperature"],
    accuracy_by_k_temperature: ["k", "temperature"],
}  # fmt: skip
Table = tuple[np.ndarray, np.ndarray, np.ndarray]
"""(R, C) values, (R,) lines of the table, (R,) problems."""


def rows(full: bool) -> Iterator[Row]:
    """Time the four kinds of tables, and Spearman's ranks, beside doing so row by row."""
    with tempfile.TemporaryDirectory() as home:
        roots = {count: Path(home) / str(count) for count in (FEW, RESAMPLES)}
        for count, root in roots.items():
            _write_run(root, count)
        few = _data(roots[FEW])
        frame = few.subsets.assign(problem=few.codes(few.subsets))
        peer = _resampled(few, frame) * RESAMPLES / FEW
        peer += _left_out(few, frame) + _left_out_partial(few, frame)
        ours = seconds(lambda: _tables(_data(roots[RESAMPLES])), repeats=3)
        yield Row(
            f"accuracy, Pearson, partial and bucket tables, {len(frame):,} subsets, "
            f"{RESAMPLES:,} resamples",
            f"{ours:.2f} s", f"rows of the drawn problems, numpy: {peer:,.0f} s (from {FEW} "
            f"resamples, {LEFT_OUT} problems left out)",
            peer / ours, "under 3 s",
        )  # fmt: skip
        yield _spearman(frame)


def _data(root: Path) -> Data:
    """Read a run that has no samples; of them, tables of accuracy ask only how many were cut."""
    data = Data(Run(root))
    vars(data)["pools"] = data.expectations[[*POOL]].assign(samples=64, truncated=0)  # is cached
    return data


def _tables(data: Data) -> dict[str, pd.DataFrame]:
    """Return the tables of a run, Pearson's coefficients by level."""
    found = {make.__name__: make(data).frame for make in ACCURACIES}
    frame, codes = data.subsets, data.codes(data.subsets)
    for level in LEVELS:
        found[level] = pd.DataFrame(
            one
            for line in correlations(frame[METRICS], frame[OUTCOMES], codes, level=level)
            for one in line
        )
    found["partial"] = partial_correlation(data).frame
    found["buckets"] = buckets(data).frame
    return found


def _resampled(data: Data, frame: pd.DataFrame) -> float:
    """Resample the rows of accuracy and bucket tables; seconds, once the tables agree."""
    expected = _tables(data)
    single = data.expectations[data.expectations["k"] == 1].rename(columns={"pass@k": "single"})
    pools = data.pool_means.merge(single[["problem_id", "temperature", "single"]])
    pools["problem"] = data.codes(pools)
    tables: list[tuple[Table, pd.DataFrame, list[str]]] = []
    for make, keys in ACCURACIES.items():
        names = [*OUTCOMES, "single"]
        lines = pools.groupby(keys).ngroup()
        columns = [*OUTCOMES, "single_sample"]
        shown = expected[make.__name__].sort_values(keys)
        tables.append((_arrays(pools, names, lines), shown, columns))
    shape = data.run.experiment.analysis.num_buckets, data.run.experiment.analysis.bucket_width
    for (k, metric, rule), shown in expected["buckets"].groupby(["k", "metric", "rows"]):
        kept = frame[(frame["k"] == k) & ~(frame["has_repeat"] & (rule != "all"))]
        numbers = bucket_numbers(kept[metric].to_numpy(), *shape)
        lines = np.unique(numbers, return_inverse=True)[1]
        tables.append((_arrays(kept, OUTCOMES, lines), shown, OUTCOMES))
    draws = np.concatenate(list(Resamples(PROBLEMS, FEW, seed=0))).astype(int)
    taken = 0.0
    for table, shown, columns in tables:
        means: list[np.ndarray] = []
        taken += once(partial(_bootstrap, table, draws, means))
        for end, share in (("_low", 0.025), ("_high", 0.975)):
            found = np.nanquantile(means, share, axis=0)
            names = [f"{name}{end}" for name in columns]
            enough = shown[names].notna().to_numpy()
            _equal(found[enough], shown[names].to_numpy()[enough])
    return taken


def _arrays(frame: pd.DataFrame, names: list[str], lines: np.ndarray | pd.Series) -> Table:
    return frame[names].to_numpy(), np.asarray(lines), frame["problem"].to_numpy()


def _bootstrap(table: Table, draws: np.ndarray, means: list[np.ndarray]) -> None:
    values, lines, problems = table
    members = [np.flatnonzero(problems == problem) for problem in range(PROBLEMS)]
    for weights in draws:
        drawn = np.concatenate([members[p] for p in np.repeat(np.arange(PROBLEMS), weights)])
        sizes = np.bincount(lines[drawn], minlength=lines.max() + 1)
        sums = [
            np.bincount(lines[drawn], weights=column, minlength=len(sizes))
            for column in values[drawn].T
        ]
        with np.errstate(invalid="ignore"):
            means.append((np.array(sums) / sizes).T)


def _left_out(data: Data, frame: pd.DataFrame) -> float:
    """Correlate all rows but those of each problem; seconds, once the intervals agree."""
    columns, problem = frame[[*METRICS, *OUTCOMES]], frame["problem"]
    within = columns - columns.groupby(problem).transform("mean")
    levels = {
        "pooled": (columns.to_numpy(), problem.to_numpy()),
        "within": (within.to_numpy(), problem.to_numpy()),
        "between": (columns.groupby(problem).mean().to_numpy(), np.arange(PROBLEMS)),
    }
    expected, taken = _tables(data), 0.0
    for level, (values, problems) in levels.items():
        found: list[np.ndarray] = []
        work: Callable[[], None] = partial(_all_but_one, values, problems, found)
        taken += once(work)
        got = fisher_interval(found[0], np.array(found[1:]), True)
        for name, part in (("r", got.value), ("low", got.low), ("high", got.high)):
            _equal(part[: len(METRICS), len(METRICS) :].ravel(), expected[level][name])
    return taken


def _all_but_one(values: np.ndarray, problems: np.ndarray, found: list[np.ndarray]) -> None:
    for problem in range(-1, PROBLEMS):
        found.append(np.corrcoef(values[problems != problem].T))


def _left_out_partial(data: Data, frame: pd.DataFrame) -> float:
    """Correlate residuals, without a few of the problems; seconds, scaled up to all of them."""
    table = _tables(data)["partial"]
    taken = 0.0
    held_by = {
        "Correlation": (), "Partial Correlation": ("avg_log_prob",), "Partial, all": COVARIATES,
        "Partial, all and difficulty": (*COVARIATES, "difficulty"),
    }  # fmt: skip
    for row in table.to_dict("records"):
        kept = frame[(frame["k"] == row["k"]) & ~(frame["has_repeat"] & (row["rows"] != "all"))]
        for label, names in held_by.items():
            held = [name for name in names if name != row["Measure"]]
            pair = kept[[row["Measure"], "coverage"]].to_numpy()
            design = np.column_stack([np.ones(len(kept)), kept[held].to_numpy(dtype=float)])
            found: list[float] = []
            taken += once(partial(_residuals, pair, design, kept["problem"].to_numpy(), found))
            _equal(found[0], row[label])
    return taken * (1 + PROBLEMS) / (1 + LEFT_OUT)


def _residuals(pair: np.ndarray, design: np.ndarray, codes: np.ndarray, found: list[float]) -> None:
    for problem in range(-1, LEFT_OUT):
        one, held = pair[codes != problem], design[codes != problem]
        left = one - held @ np.linalg.lstsq(held, one)[0]
        found.append(np.corrcoef(left.T)[0, 1])


def _spearman(frame: pd.DataFrame) -> Row:
    """Rank again in each resample, beside scipy on the rows of the drawn problems."""
    values, codes = frame[[*METRICS, *OUTCOMES]].to_numpy(), frame["problem"].to_numpy()
    draws = np.concatenate(list(Resamples(PROBLEMS, RANKED, seed=0)))
    some = draws[: FEW // 5]
    members = [np.flatnonzero(codes == problem) for problem in range(PROBLEMS)]
    found: list[np.ndarray] = []

    def peer() -> None:
        for weights in some.astype(int):
            drawn = np.concatenate([members[p] for p in np.repeat(np.arange(PROBLEMS), weights)])
            found.append(np.corrcoef(stats.rankdata(values[drawn], axis=0).T))

    theirs = once(peer) * RANKED / len(some)
    covariances = rank_covariances(values, codes, some)
    spread = np.sqrt(np.diagonal(covariances, axis1=1, axis2=2))
    _equal(covariances / (spread[:, :, None] * spread[:, None, :]), np.array(found))
    ours = once(lambda: rank_covariances(values, codes, draws))
    return Row(
        f"Spearman of {values.shape[1]} columns, {len(values):,} subsets, ranked again in each of "
        f"{RANKED:,} resamples",
        f"{ours:.2f} s", f"scipy.stats.rankdata: {theirs:,.0f} s (from {len(some)} resamples)",
        theirs / ours, "timed apart",
    )  # fmt: skip


def _equal(found: object, expected: object) -> None:
    np.testing.assert_allclose(np.asarray(found), np.asarray(expected), rtol=0, atol=1e-9)


def _write_run(root: Path, resamples: int) -> None:
    """Write a run as far as it is measured: difficulty drives both the answers and the texts."""
    folder = Folder(root)
    folder.root.mkdir()
    folder.write_experiment(
        Experiment(
            name="intervals",
            task=TaskSettings(name="arithmetic", num_problems=PROBLEMS, prompt="completion"),
            generation=Generation(
                model="none", backend="replay", temperatures=TEMPERATURES, n=64, greedy=False
            ),
            measure=Measure(k=K, replicates=REPLICATES, metrics=tuple(METRICS)),
            selection=Selection(aggregators=("maj", "best", "sem_mbr", "lex_mbr")),
            analysis=Analysis(resamples=resamples),
        )
    )
    Manifest(folder.manifest_path).update(signature="intervals")
    rng = np.random.default_rng(0)
    names = [f"problem-{number:03}" for number in range(PROBLEMS)]
    pools = pd.MultiIndex.from_product([names, TEMPERATURES], names=["problem_id", "temperature"])
    chance = np.repeat(rng.beta(0.7, 1.0, PROBLEMS), len(TEMPERATURES))
    expected = pools.to_frame(index=False).assign(k=1, n=64, num_unknown=0)
    expected["pass@k"] = rng.binomial(64, chance) / 64
    cells = pools.to_frame(index=False).assign(easy=chance).merge(pd.DataFrame({"k": K}), "cross")
    frame = cells.merge(pd.DataFrame({"replicate": range(REPLICATES)}), "cross")
    easy = frame.pop("easy").to_numpy()
    size = len(frame)
    diversity = rng.normal(1 - easy + 0.3 * frame["temperature"], 0.3)
    frame["avg_log_prob"] = rng.normal(-0.3 - 0.3 * diversity, 0.05)
    frame["num_tokens"] = rng.poisson(200 - 60 * easy) + rng.integers(0, 4, size) / 4
    frame["cos_sim"] = np.clip(0.9 - 0.1 * diversity + rng.normal(0, 0.02, size), -1, 1)
    frame["distinct_3"] = rng.binomial(300, np.clip(0.4 + 0.1 * diversity, 0, 1)) / 300
    frame["has_repeat"] = rng.random(size) < 0.2
    frame["dpp"] = (0.2 * diversity - 1.5) * frame["k"] - 12 * frame["has_repeat"]
    frame["num_correct"] = rng.binomial(frame["k"], easy)
    frame["coverage"] = frame["num_correct"] > 0
    for name in OUTCOMES[:-1]:
        frame[name] = rng.random(size) < easy
    frame["abstained"] = False
    frame["difficulty"] = 1 - easy + rng.normal(0, 0.02, size)
    for name, table in (("subsets", frame), ("expectations", expected)):
        path = folder.block_path(name, 0)
        write_table(path, pa.Table.from_pandas(table, preserve_index=False), "synthetic")
