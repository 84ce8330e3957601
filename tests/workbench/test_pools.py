import dataclasses

import numpy as np
import pyarrow as pa
import pytest

from workbench.config import Measure
from workbench.folder import Folder
from workbench.pools import pools, read_block
from workbench.store import sample_rows, write_table
from workbench.types import Pool, Sample


def sample(problem, temperature, index):
    name = f"{problem}{temperature}{index}"
    tokens = tuple(range(1 + index))
    return Sample(problem, temperature, index, name, "stop", tokens, (-0.5,) * len(tokens), 1, "h")


@pytest.fixture
def folder(tmp_path):
    """Two problems and two rounds of sampling: the later one is a file behind the first."""
    found = Folder(tmp_path)
    rounds = [[0, 1], [2]]
    kept = []
    for indices in rounds:
        samples = [
            sample(p, t, i) for p in ("q", "p") for t in (0.3, 1.0) for i in reversed(indices)
        ]
        write_table(found.next_part(0), sample_rows(samples), "made")
        kept += samples
    count = len(kept)
    scores = {
        "problem_id": [s.problem_id for s in kept],
        "temperature": [s.temperature for s in kept],
        "sample_index": pa.array([s.sample_index for s in kept], pa.int32()),
        "answer": [None if s.sample_index == 1 else s.completion for s in kept],
        "answer_rule": ["boxed"] * count,
        "answer_cluster": pa.array([s.sample_index - 1 for s in kept], pa.int32()),
        "status": ["answered"] * count,
        "is_correct": [[True, False, None][s.sample_index] for s in kept],
        "reward_likelihood": [float(s.sample_index) for s in kept],
    }
    write_table(found.block_path("scores", 0), pa.table(scores), "made")
    vectors = pa.array([float(len(s.completion) + s.sample_index) for s in kept], pa.float32())
    columns = {name: scores[name] for name in ("problem_id", "temperature", "sample_index")}
    columns["embedding"] = pa.FixedSizeListArray.from_arrays(vectors, 1)
    write_table(found.block_path("embeddings", 0), pa.table(columns), "made")
    return found


def gathered(folder, sizes, settings=None, with_embeddings=False):
    rows = read_block(folder, 0, with_embeddings=with_embeddings)
    return list(pools(rows, sizes, settings or Measure()))


def test_a_pool_is_in_the_order_of_its_samples_indices(folder):
    first, *rest = gathered(folder, {0.3: 3, 1.0: 3}, with_embeddings=True)
    assert [(p.problem_id, p.temperature) for p in (first, *rest)] == [
        ("q", 0.3), ("q", 1.0), ("p", 0.3), ("p", 1.0),
    ]  # fmt: skip
    assert first.texts == ("q0.30", "q0.31", "q0.32")
    assert first.answers == ("q0.30", None, "q0.32")
    assert first.clusters.tolist() == [-1, 0, 1]
    np.testing.assert_array_equal(first.correct, [1, 0, np.nan])
    assert first.num_tokens.tolist() == [1, 2, 3]
    assert first.logprobs.tolist() == [-0.5] * 3
    assert first.rewards["likelihood"].tolist() == [0, 1, 2]
    assert first.embeddings.tolist() == [[5.0], [6.0], [7.0]]
    assert len(first) == 3


def test_smaller_pools_are_the_first_samples_and_other_temperatures_are_left_aside(folder):
    found = gathered(folder, {1.0: 2})
    assert [p.texts for p in found] == [("q1.00", "q1.01"), ("p1.00", "p1.01")]
    assert gathered(folder, {}) == []


def test_a_pool_has_the_bleu_that_the_experiment_wants(folder):
    settings = Measure(bleu_tokenize="13a", bleu_smoothing="exp")
    assert gathered(folder, {1.0: 2}, settings)[0].bleu_tokenize == "13a"
    assert gathered(folder, {1.0: 2}, settings)[0].bleu_smoothing == "exp"


def test_embeddings_are_missed_only_where_they_are_looked_at(folder):
    pool = gathered(folder, {1.0: 3})[0]
    assert pool.embeddings is None
    with pytest.raises(ValueError, match=r"pool of q at temperature 1\.0 has no embeddings"):
        _ = pool.similarity


def test_tables_of_other_samples_are_refused(folder):
    write_table(folder.next_part(0), sample_rows([sample("p", 0.3, 3)]), "made")
    with pytest.raises(ValueError, match=r"scores is of other samples.*workbench score"):
        read_block(folder, 0, with_embeddings=False)


def test_a_missing_table_says_which_stage_makes_it(folder):
    folder.block_path("embeddings", 0).unlink()
    with pytest.raises(ValueError, match=r"embeddings.*is missing; run `workbench score`"):
        read_block(folder, 0, with_embeddings=True)
    read_block(folder, 0, with_embeddings=False)


def test_the_similarity_of_a_pool_has_ones_on_its_diagonal():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(5, 8))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    blank = np.zeros(5)
    pool = Pool(
        "p", 1.0, ("t",) * 5, blank, blank.astype(int), ("a",) * 5, blank.astype(int), blank,
        ("answered",) * 5, {}, vectors,
    )  # fmt: skip
    assert (np.diag(pool.similarity) == 1).all()
    np.testing.assert_allclose(pool.similarity, vectors @ vectors.T, atol=1e-12)
    assert pool.bleu.shape == (5, 5)
    assert dataclasses.replace(pool, texts=("a", "b c d e f")).bleu[0, 1] < 0.1
