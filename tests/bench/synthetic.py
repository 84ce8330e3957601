"""Runs of any size that nobody drew: finished samples, scores and embeddings, ready to measure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from workbench.config.schema import Experiment, Generation, Measure, Selection, TaskSettings
from workbench.core.types import Known, Problem, Sample
from workbench.storage.manifest import Manifest
from workbench.storage.parquet import KEY, sample_rows, write_table
from workbench.storage.run_folder import Folder, block_size

WORDS = 100
"""In a text, as in a worked solution."""
VARIANTS = 8
"""Texts that the samples of a problem are edited from."""
ANSWERS = 12
DIMENSIONS = 384
"""Of all-MiniLM-L6-v2."""


def make_run(
    root: str | Path,
    problems: int,
    n: int,
    *,
    temperatures: tuple[float, ...] = (0.7,),
    k: tuple[int, ...] = (8,),
) -> None:
    """Write a run as the stages before measuring leave it: N samples per pool of 100 words each.

    The samples of a pool are like one another, and some are repeats. All blocks hold the same
    samples of other problems, so that a large run is written quickly.
    """
    folder = Folder(Path(root))
    experiment = Experiment(
        name="synthetic",
        task=TaskSettings(name="arithmetic", num_problems=problems, prompt="completion"),
        generation=Generation(model="none", backend="replay", temperatures=temperatures, n=n),
        measure=Measure(
            k=k, replicates=20, metrics=("distinct_3", "cos_sim", "dpp", "avg_log_prob")
        ),
        selection=Selection(aggregators=("maj", "best", "sem_mbr", "lex_mbr")),
    )
    size = block_size(n * len(temperatures))
    known = [Known(Problem(f"problem-{i}", "?", "1"), "hash") for i in range(problems)]
    folder.root.mkdir(parents=True)
    folder.write_experiment(experiment)
    folder.write_problems(known)
    Manifest(folder.manifest_path).update(problems_per_block=size, signature="synthetic")
    tables = _tables(min(size, problems), temperatures, n)
    for block in range(-(-problems // size)):
        members = known[block * size : (block + 1) * size]
        names = np.repeat([item.problem.id for item in members], n * len(temperatures))
        for name, table in tables.items():
            path = folder.next_part(block) if name == "samples" else folder.block_path(name, block)
            rows = table.slice(0, len(names)).set_column(0, "problem_id", pa.array(names))
            write_table(path, rows, "synthetic")


def _tables(problems: int, temperatures: tuple[float, ...], n: int) -> dict[str, pa.Table]:
    """Return a block's samples, scores and embeddings."""
    rng = np.random.default_rng(0)
    samples = [
        Sample(
            problem_id=str(problem), temperature=temperature, sample_index=i, completion=text,
            stop_reason="stop", output_token_ids=tuple(range(WORDS)),
            token_logprobs=tuple((-rng.exponential(0.3, WORDS)).tolist()), seed=i,
            prompt_hash="hash",
        )
        for problem in range(problems)
        for temperature in temperatures
        for i, text in enumerate(_texts(n, rng))
    ]  # fmt: skip
    table = sample_rows(samples)
    key = {name: table.column(name) for name in KEY}
    answers = rng.zipf(1.4, len(samples)) % ANSWERS
    scores: dict[str, Any] = key | {
        "answer": pa.array(answers.astype(str)),
        "answer_rule": pa.array(["boxed"] * len(samples)),
        "answer_cluster": pa.array(answers, pa.int32()),
        "status": pa.array(["answered"] * len(samples)),
        "is_correct": pa.array(answers == rng.integers(0, 3, len(samples))),
        "reward_likelihood": table.column("mean_logprob"),
    }
    vectors = rng.normal(size=(len(samples), DIMENSIONS)) + 1.0
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    flat = pa.array(vectors.astype(np.float32).ravel())
    embeddings: dict[str, Any] = key | {
        "text_hash": table.column("completion"),
        "encoder": pa.array(["synthetic"] * len(samples)),
        "cut": pa.array([False] * len(samples)),
        "embedding": pa.FixedSizeListArray.from_arrays(flat, DIMENSIONS),
    }
    return {"samples": table, "scores": pa.table(scores), "embeddings": pa.table(embeddings)}


def _texts(n: int, rng: np.random.Generator) -> list[str]:
    """Texts of one pool: a few, with a tenth of the words of each changed; the last is a repeat."""
    first = rng.integers(0, 300, (VARIANTS, WORDS))
    words = first[rng.integers(0, VARIANTS, n)]
    words = np.where(rng.random(words.shape) < 0.1, rng.integers(0, 300, words.shape), words)
    words[-1] = words[0]
    return [" ".join(f"w{word}" for word in row) for row in words]
