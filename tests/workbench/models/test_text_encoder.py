import json
import shutil
from itertools import pairwise

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.conftest import blocks_of, write_experiment
from workbench.config.schema import Embedding
from workbench.models import text_encoder as module
from workbench.models.text_encoder import batches, embed, text_hash

LONG = " ".join(f"word{i}" for i in range(400))

# With the real encoder, in a process of its own: its packages warn at import.
AGAINST_TRANSFORMERS = f"""
import numpy as np, torch
from transformers import AutoModel, AutoTokenizer
from workbench.config.schema import Embedding
from workbench.models.text_encoder import embed
from workbench.models.locate import resolve_encoder

folder = str(resolve_encoder("all-MiniLM-L6-v2"))
tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder)

def by_hand(text, pieces=256):
    "The mean of the last hidden states, to unit length: the model card's own recipe."
    batch = tokenizer([text], return_tensors="pt", truncation=True, max_length=pieces)
    with torch.no_grad():
        states = model(**batch).last_hidden_state[0].double().numpy()
    mean = states.mean(axis=0)
    return mean / np.linalg.norm(mean)

long = {LONG!r}
texts = ["What is 2 + 2?", "", "An answer.", long, "An answer."]
vectors, cut, count = embed(texts, Embedding(), {{}})
assert count == 4, count
assert cut.tolist() == [False, False, False, True, False], cut
assert vectors.dtype == np.float32
np.testing.assert_allclose(vectors, [by_hand(t) for t in texts], atol=2e-6)
assert (vectors[2] == vectors[4]).all()

chunked, cut, _ = embed(texts, Embedding(long_texts="chunk_mean"), {{}})
np.testing.assert_allclose(chunked[[0, 1, 2]], vectors[[0, 1, 2]], atol=2e-6)
assert abs(np.linalg.norm(chunked[3]) - 1) < 1e-6
assert np.abs(chunked[3] - vectors[3]).max() > 1e-3
ids = tokenizer(long, add_special_tokens=False)["input_ids"]
parts = [tokenizer.decode(ids[i : i + 254]) for i in range(0, len(ids), 254)]
assert len(parts) > 2
mean = np.mean([by_hand(part) for part in parts], axis=0)
np.testing.assert_allclose(chunked[3], mean / np.linalg.norm(mean), atol=2e-6)
"""

# Which batches a text was in, and which library multiplied, is not to be seen in its vector.
IN_ANY_COMPANY = f"""
import numpy as np, torch
from contextlib import contextmanager
from workbench.models import text_encoder as module
from workbench.config.schema import Embedding
from workbench.models.text_encoder import embed

rng = np.random.default_rng(0)
words = {LONG!r}.split()
sizes = [0, 1, 1, 2, 300, *rng.integers(3, 50, 6)]
texts = [" ".join(rng.choice(words, size)) for size in sizes]
texts += ["Ünïcödé 数 🙂", "line\\nbreak", texts[4]]

def vectors(**settings):
    return embed(texts, Embedding(**settings), {{}})[0].astype(float)

before = torch.backends.mkldnn.matmul.fp32_precision
whole = vectors()
assert torch.backends.mkldnn.matmul.fp32_precision == before
for most, tokens in ((1, 1024), (7, 100)):
    module.TOKENS_AT_ONCE = tokens
    np.testing.assert_allclose(vectors(batch_size=most), whole, rtol=0, atol=1e-6)
encoder = module._load("all-MiniLM-L6-v2", "float32")
encoder.transformers_model.set_attn_implementation("sdpa")
np.testing.assert_allclose(vectors(), whole, rtol=0, atol=1e-6)
plain = encoder.encode(texts, normalize_embeddings=True)
np.testing.assert_allclose(whole, plain, rtol=0, atol=1e-6)

rounded = vectors(dtype="bfloat16")
np.testing.assert_allclose(np.linalg.norm(rounded, axis=1), 1, atol=1e-6)
apart = np.abs(rounded @ rounded.T - whole @ whole.T)
assert 1e-5 < apart.max() < 3e-3, apart.max()

@contextmanager
def rounding():
    "What oneDNN does with the same permission where there are matrix units for bfloat16."
    with torch.autocast("cpu", dtype=torch.bfloat16):
        yield

module._onednn_is_exact.cache_clear()
module._onednn = rounding
assert not module._onednn_is_exact()
np.testing.assert_allclose(vectors(), whole, rtol=0, atol=1e-6)  # so it is not used
"""


def test_vectors_are_the_encoder_s_own(cli):
    cli.must("--version", before=AGAINST_TRANSFORMERS)


def test_a_vector_is_the_same_in_any_company_and_by_any_library(cli):
    cli.must("--version", before=IN_ANY_COMPANY)


@pytest.mark.parametrize("most", [1, 3, 64])
@pytest.mark.parametrize("tokens", [1, 50, 1000, None])
def test_batches_are_of_like_length_and_within_bounds(most, tokens):
    rng = np.random.default_rng(most)
    for count in (1, 2, 40):
        lengths = rng.integers(0, 90, count)
        split = [batch.tolist() for batch in batches(lengths, most, tokens)]
        places = [place for batch in split for place in batch]
        assert sorted(places) == list(range(count))
        assert [lengths[place] for place in places] == sorted(lengths, reverse=True)
        for batch, following in pairwise([*split, []]):
            widest = max(1, lengths[batch[0]])
            assert len(batch) <= most
            assert len(batch) == 1 or tokens is None or len(batch) * widest <= tokens
            if following:  # and no batch is smaller than it has to be
                room = len(batch) < most and (tokens is None or (len(batch) + 1) * widest <= tokens)
                assert not room


@pytest.fixture
def encoded(monkeypatch):
    """What the encoder was asked, of a stand-in that gives text lengths."""
    asked = []

    def encode(texts, settings):
        asked.append(list(texts))
        vectors = np.array([[len(t), 1.0] for t in texts], dtype=np.float32)
        return vectors, np.array([len(t) > 3 for t in texts])

    monkeypatch.setattr(module, "_encode", encode)
    return asked


def test_each_distinct_text_is_encoded_once(encoded):
    vectors, cut, count = embed(["a", "bbbb", "a", "cc", "bbbb"], Embedding(), {})
    assert encoded == [["a", "bbbb", "cc"]]
    assert vectors.tolist() == [[1, 1], [4, 1], [1, 1], [2, 1], [4, 1]]
    assert cut.tolist() == [False, True, False, False, True]
    assert count == 3


def test_what_is_held_is_not_encoded_again(encoded):
    held = {text_hash("a"): np.array([9.0, 8.0, 1.0]), text_hash("z"): np.array([7.0, 7.0, 0.0])}
    vectors, cut, count = embed(["a", "bb"], Embedding(), held)
    assert encoded == [["bb"]]
    assert vectors.tolist() == [[9, 8], [2, 1]]
    assert cut.tolist() == [True, False]
    assert count == 1
    embed(["a", "a"], Embedding(), held)
    assert len(encoded) == 1


@pytest.fixture(scope="module")
def scored(cli, tmp_path_factory):
    """(experiment file, folder) of embedded samples, in blocks of 4 problems; not to be changed."""
    home = tmp_path_factory.mktemp("scored")
    path = write_experiment(
        home / "experiment.yaml", task__num_problems=8, generation__n=4,
        measure__metrics=["cos_sim"],
    )  # fmt: skip
    blocks_of(home / "run", 4)
    cli.must("generate", path, "--out", home / "run")
    cli.must("score", path, "--out", home / "run")
    return path, home / "run"


def test_a_run_keeps_one_unit_vector_a_sample_in_their_order(scored):
    folder = scored[1]
    for shard in sorted((folder / "embeddings").glob("*.parquet")):
        vectors = pq.read_table(shard)
        samples = pq.read_table(folder / "samples" / shard.name.replace(".", ".000."))
        keys = ["problem_id", "temperature", "sample_index"]
        assert vectors.select(keys).to_pydict() == samples.select(keys).to_pydict()
        table = np.array(vectors["embedding"].to_pylist())
        assert table.shape == (4 * 9, 384)
        np.testing.assert_allclose(np.linalg.norm(table, axis=1), 1, atol=1e-6)
        texts = samples["completion"].to_pylist()
        for place, text in enumerate(texts):  # identical texts, identical vectors
            assert (table[place] == table[texts.index(text)]).all()


def test_topping_up_encodes_new_texts_only(cli, scored, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(scored[1], folder)
    before = pq.read_table(folder / "samples")["completion"].to_pylist()
    cli.must("score", scored[0], "--out", folder)
    cli.must("generate", scored[0], "--out", folder, "--set", "generation.n=5")
    cli.must("score", scored[0], "--out", folder, "--set", "generation.n=5")
    parts = sorted((folder / "samples").glob("*.001.parquet"))
    new = 0
    for part in parts:
        old = pq.read_table(str(part).replace(".001.", ".000."))["completion"].to_pylist()
        new += len(set(pq.read_table(part)["completion"].to_pylist()) - set(old))
    stage = json.loads((folder / "manifest.json").read_text())["stages"]["score"]
    assert 0 < stage["texts_encoded"] == new < len(set(before))


def test_another_dtype_is_encoded_anew_and_kept_apart(cli, scored, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(scored[1], folder)

    def score(*options):
        cli.must("score", scored[0], "--out", folder, *options)
        stage = json.loads((folder / "manifest.json").read_text())["stages"]["score"]
        table = pq.read_table(folder / "embeddings")
        return stage["texts_encoded"], np.array(table["embedding"].to_pylist())

    before = {path: path.read_bytes() for path in sorted((folder / "embeddings").glob("*"))}
    count, exact = score()
    rounded_count, rounded = score("--set", "embedding.dtype=bfloat16")
    assert rounded_count == count > 0
    assert 1e-5 < np.abs(rounded @ rounded.T - exact @ exact.T).max() < 3e-3
    assert (score("--set", "embedding.dtype=bfloat16")[1] == rounded).all()
    assert score()[0] == count
    assert {path: path.read_bytes() for path in before} == before
