import dataclasses

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench.config.schema import Measure
from workbench.core.types import Sample
from workbench.pools import Pool, by_problem, outputs_of, pools, read_block
from workbench.storage.parquet import STORED_KEY, sample_rows, write_table
from workbench.storage.run_folder import Folder


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
        "condition": [s.condition for s in kept],
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
    columns = {name: scores[name] for name in STORED_KEY}
    columns["embedding"] = pa.FixedSizeListArray.from_arrays(vectors, 1)
    write_table(found.block_path("embeddings", 0), pa.table(columns), "made")
    return found


def gathered(folder, sizes, settings=None, with_embeddings=False):
    rows = read_block(folder, 0, with_embeddings=with_embeddings)
    return list(pools(rows, sizes, settings or Measure()))


def test_a_pool_is_in_the_order_of_its_samples_indices(folder):
    first, *rest = gathered(folder, {"T0.3": 3, "T1": 3}, with_embeddings=True)
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


def test_problems_are_taken_in_shares_and_know_the_places_of_their_pools(folder):
    rows = read_block(folder, 0, with_embeddings=True)
    sizes = {"T0.3": 3, "T1": 3}
    every = list(pools(rows, sizes, Measure()))
    for shares in (1, 2, 3):
        found = [
            (share, place, pool)
            for share in range(shares)
            for problem in by_problem(rows, sizes, Measure(), share, shares)
            for place, pool in problem
        ]
        assert sorted(place for _, place, _ in found) == [0, 1, 2, 3]
        for share, place, pool in found:
            assert vars(pool).keys() == vars(every[place]).keys()
            assert pool.texts == every[place].texts
            np.testing.assert_array_equal(pool.embeddings, every[place].embeddings)
            assert share == ["q", "p"].index(pool.problem_id) % shares
    assert not list(by_problem(rows, {"T0.7": 3}, Measure()))


def test_a_temperature_that_came_later_stands_behind_but_belongs_to_its_problem(folder):
    late = [sample(p, 1.5, i) for p in ("q", "p") for i in range(2)]
    write_table(folder.next_part(0), sample_rows(late), "made")
    scores = pq.read_table(folder.block_path("scores", 0))
    more = scores.slice(0, 4).to_pydict()
    more |= {"problem_id": ["q", "q", "p", "p"], "temperature": [1.5] * 4,
             "condition": ["T1.5"] * 4,
             "sample_index": [0, 1, 0, 1]}  # fmt: skip
    both = pa.concat_tables([scores, pa.table(more, schema=scores.schema)])
    write_table(folder.block_path("scores", 0), both, "made")
    rows = read_block(folder, 0, with_embeddings=False)
    found = list(by_problem(rows, {"T0.3": 3, "T1": 3, "T1.5": 2}, Measure()))
    places = [[(place, pool.temperature) for place, pool in problem] for problem in found]
    assert places == [[(0, 0.3), (1, 1.0), (4, 1.5)], [(2, 0.3), (3, 1.0), (5, 1.5)]]


def test_smaller_pools_are_the_first_samples_and_other_temperatures_are_left_aside(folder):
    found = gathered(folder, {"T1": 2})
    assert [p.texts for p in found] == [("q1.00", "q1.01"), ("p1.00", "p1.01")]
    assert gathered(folder, {}) == []


def test_a_pool_has_the_bleu_that_the_experiment_wants(folder):
    settings = Measure(bleu_tokenize="13a", bleu_smoothing="exp")
    assert gathered(folder, {"T1": 2}, settings)[0].bleu_tokenize == "13a"
    assert gathered(folder, {"T1": 2}, settings)[0].bleu_smoothing == "exp"


def test_embeddings_are_missed_only_where_they_are_looked_at(folder):
    pool = gathered(folder, {"T1": 3})[0]
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


def test_outputs_of_programs_are_rows_of_one_length():
    assert outputs_of([[0, 1], None, [2, -1]]).tolist() == [[0, 1], [-1, -1], [2, -1]]
    assert outputs_of([None, []]).shape == (2, 0)
    assert outputs_of([]).shape == (0, 0)
