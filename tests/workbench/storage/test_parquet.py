import dataclasses
import json
import random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench.core.types import Sample
from workbench.storage.parquet import (
    SAMPLES,
    THOUGHT_COLUMNS,
    TURN_COLUMNS,
    DamagedFileError,
    fingerprint,
    read_stamps,
    read_table,
    sample_rows,
    without_empty_columns,
    write_atomically,
    write_json,
    write_table,
)

ONE = Sample("p", 0.7, 3, "text", "stop", (5, 6, 7), (-0.5, -0.25, -0.75), 11, "h")
FAILED = Sample("p", 0.7, 4, "", "error", (), (), 12, "h", "too long")


def test_sample_rows_by_hand():
    table = sample_rows([ONE, FAILED])
    assert table.schema == SAMPLES
    first, second = table.to_pylist()
    assert first["num_output_tokens"] == 3
    assert first["cumulative_logprob"] == -1.5
    assert first["mean_logprob"] == -0.5
    assert (second["cumulative_logprob"], second["mean_logprob"]) == (None, None)
    assert second["error"] == "too long"


@pytest.mark.parametrize(
    ("changes", "thought", "answer"),
    [
        ({}, None, None),  # all of it is answer
        ({"thought": "7"}, None, None),  # nobody counted
        ({"thought": "7", "num_thought_tokens": 1}, -0.5, -0.5),
        ({"thought": "7", "num_thought_tokens": 2}, -0.375, -0.75),
        ({"thought": "7", "num_thought_tokens": 3}, -0.5, None),  # cut inside
        ({"thought": "", "num_thought_tokens": 0}, None, -0.5),
        (  # a server that counts the token which ends it, and does not report it
            {"thought": "7", "num_thought_tokens": 1, "output_token_ids": (),
             "num_output_tokens": 4}, -0.5, -0.5,
        ),
        (  # and one that leaves out those of the thought
            {"thought": "7", "num_thought_tokens": 500, "output_token_ids": (),
             "num_output_tokens": 503}, None, None,
        ),
    ],
)  # fmt: skip
def test_thought_and_answer_have_their_own_means(changes, thought, answer):
    both = dataclasses.replace(ONE, token_entropies=ONE.token_logprobs, **changes)
    (row,) = sample_rows([both]).to_pylist()
    for value in ("logprob", "entropy"):
        assert (row[f"thought_{value}"], row[f"answer_{value}"]) == (thought, answer)


def test_samples_without_a_thought_are_stored_as_ever():
    plain = without_empty_columns(sample_rows([ONE, FAILED]))
    left = {*THOUGHT_COLUMNS, *TURN_COLUMNS}
    assert plain.schema.names == [n for n in SAMPLES.names if n not in left]
    mixed = sample_rows([ONE, dataclasses.replace(ONE, thought="")])
    assert without_empty_columns(mixed).equals(mixed.drop_columns(list(TURN_COLUMNS)))


def test_second_answers_are_stored_with_their_turn_and_the_first_one():
    both = without_empty_columns(sample_rows([ONE, dataclasses.replace(ONE, parent=0)]))
    assert both.select(TURN_COLUMNS).to_pylist() == [
        {"turn": 1, "parent": None},
        {"turn": 2, "parent": 0},
    ]


@pytest.mark.parametrize(
    ("changes", "tokens", "mean"),
    [
        ({}, 3, -0.5),
        ({"output_token_ids": ()}, 3, -0.5),  # a server that tells no ids
        ({"output_token_ids": (), "num_output_tokens": 4}, 4, -0.5),  # and counts the end as well
        ({"output_token_ids": (), "token_logprobs": (), "num_output_tokens": 4}, 4, None),
        ({"output_token_ids": (), "token_logprobs": ()}, None, None),  # unknown, not 0
        ({"output_token_ids": (), "token_logprobs": (), "stop_reason": "error"}, 0, None),
    ],
)
def test_tokens_are_counted_by_whoever_knows(changes, tokens, mean):
    (row,) = sample_rows([dataclasses.replace(ONE, **changes)]).to_pylist()
    assert (row["num_output_tokens"], row["mean_logprob"]) == (tokens, mean)


def test_a_block_is_what_arrow_makes_of_the_fields_one_by_one():
    rng = np.random.default_rng(0)
    samples = []
    for index in range(60):
        size = int(rng.choice([0, 1, 2, 30]))
        ids = tuple(map(int, rng.integers(0, 2**31, size)))
        logprobs = tuple(map(float, -rng.exponential(size=size)))  # more digits than are stored
        changes = {"token_entropies": logprobs, "missing_mass": (0.25,) * size}
        samples.append(
            Sample("p", 0.7, index, "Ünïcödé 数", "stop", ids, logprobs, index, "h",
                   **(changes if index % 3 else {}))
        )  # fmt: skip
    rows = [dataclasses.asdict(sample) for sample in samples]
    for row in rows:
        logprobs, entropies = row["token_logprobs"], row["token_entropies"]
        row["num_output_tokens"] = len(logprobs) or None
        row["cumulative_logprob"] = sum(logprobs) if logprobs else None
        row["mean_logprob"] = sum(logprobs) / len(logprobs) if logprobs else None
        row["mean_entropy"] = sum(entropies) / len(entropies) if entropies else None
        row["turn"] = 1
        row |= dict.fromkeys(THOUGHT_COLUMNS[2:])  # means of the parts, where there is a thought
    for few in (60, 1, 0):
        plain = pa.table(
            {name: [row[name] for row in rows[:few]] for name in SAMPLES.names}, schema=SAMPLES
        )
        assert sample_rows(samples[:few]).equals(plain)


def test_entropies_and_their_mean_are_stored_where_there_are_any():
    full = dataclasses.replace(ONE, token_entropies=(0.5, 0.25, 0.0), missing_mass=(0.5, 0.0, 0.0))
    first, second = sample_rows([full, ONE]).to_pylist()
    assert first["mean_entropy"] == 0.25
    assert first["missing_mass"] == [0.5, 0, 0]
    assert (second["token_entropies"], second["mean_entropy"]) == ([], None)


@pytest.fixture
def shard(tmp_path):
    rng = np.random.default_rng(0)
    samples = [
        Sample(
            f"problem-{i // 20}", 0.7, i % 20, f"text {i}" * 5, "stop",
            tuple(map(int, rng.integers(0, 99, 9))),
            tuple(float(np.float32(v)) for v in rng.normal(size=9)), i, "hash",
        )
        for i in range(60)
    ]  # fmt: skip
    write_table(tmp_path / "shard.parquet", sample_rows(samples), "made")
    return tmp_path / "shard.parquet"


def test_a_table_comes_back_whole_or_by_column(shard):
    table = read_table(shard)
    assert table.num_rows == 60
    assert table.select(["seed"]) == read_table(shard, ["seed"])
    assert table.schema.names == SAMPLES.names
    fewer = read_table(shard, without=["seed", "no such column"])
    assert fewer == table.drop_columns(["seed"])


def test_log_probabilities_are_stored_split_by_byte_and_compressed(shard):
    group = pq.ParquetFile(shard).metadata.row_group(0)
    columns = {group.column(i).path_in_schema: group.column(i) for i in range(group.num_columns)}
    for name in ("token_logprobs.list.element", "mean_logprob", "cumulative_logprob"):
        assert "BYTE_STREAM_SPLIT" in columns[name].encodings
        assert columns[name].compression == "ZSTD"


def test_marks_tell_what_a_file_was_made_from_and_what_is_in_it(tmp_path):
    tables = [pa.table({"a": [1, 2]}), pa.table({"a": [1, 2]}), pa.table({"a": [1, 3]})]
    for place, (table, made) in enumerate(zip(tables, ("x", "y", "x"), strict=True)):
        write_table(tmp_path / str(place), table, made)
    first, second, third = (read_stamps(tmp_path / str(place)) for place in range(3))
    assert (first["fingerprint"], second["fingerprint"]) == ("x", "y")
    assert first["content"] == second["content"] != third["content"]
    assert read_stamps(tmp_path / "none") == {}


def test_a_table_that_was_read_is_written_with_marks_of_its_own(shard):
    table = read_table(shard)
    write_table(shard, table.slice(0, 3), "made otherwise")
    found = read_stamps(shard)
    assert found["fingerprint"] == "made otherwise"
    write_table(shard, table, "made otherwise")
    assert read_stamps(shard)["content"] != found["content"]


def test_the_content_does_not_depend_on_how_rows_came_together(tmp_path):
    whole = pa.table({"a": ["x", "yy", "zzz"]})
    write_table(tmp_path / "whole", whole, "x")
    write_table(tmp_path / "parts", pa.concat_tables([whole.slice(0, 1), whole.slice(1)]), "x")
    assert read_stamps(tmp_path / "whole") == read_stamps(tmp_path / "parts")


def test_no_flipped_bit_is_read_as_other_samples(shard):
    """Every byte that matters is under a checksum, or the reader chokes on it."""
    good, reference = shard.read_bytes(), read_table(shard)
    rng = random.Random(0)
    refused = []
    for place in range(0, len(good), 7):
        data = bytearray(good)
        data[place] ^= 1 << rng.randrange(8)
        shard.write_bytes(data)
        try:
            # a page's header is not under its checksum; a flip there that is no matter is let be
            assert read_table(shard).equals(reference), place
        except DamagedFileError as fault:
            refused.append(str(fault))
    assert len(refused) > 0.7 * len(good) / 7
    assert all(str(shard) in text and "\n" not in text for text in refused)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.5, 0.99])
def test_a_cut_file_is_named(shard, share):
    data = shard.read_bytes()
    shard.write_bytes(data[: int(share * len(data))])
    for read in (read_table, read_stamps):
        with pytest.raises(DamagedFileError, match=r"shard\.parquet is damaged.*restore it"):
            read(shard)


def test_a_missing_file_is_not_a_damaged_one(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_table(tmp_path / "none")


def test_a_file_of_another_schema_is_refused(tmp_path):
    pq.write_table(pa.table({"a": [1]}), tmp_path / "foreign.parquet")
    with pytest.raises(DamagedFileError, match="foreign"):
        read_table(tmp_path / "foreign.parquet")


def test_a_file_appears_whole_or_stays_as_it_was(tmp_path):
    path = tmp_path / "folder" / "file"
    write_atomically(path, lambda part: part.write_text("old"))

    def fail(part):
        part.write_text("half of the n")
        assert path.read_text() == "old"
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="disk is full"):
        write_atomically(path, fail)
    assert path.read_text() == "old"
    assert [p.name for p in path.parent.iterdir()] == ["file"]
    write_atomically(path, lambda part: part.write_text("new"))
    assert path.read_text() == "new"


def test_json_is_written_for_people_too(tmp_path):
    write_json(tmp_path / "m.json", {"a": "☃", "b": [1]})
    assert json.loads((tmp_path / "m.json").read_text()) == {"a": "☃", "b": [1]}
    assert "☃" in (tmp_path / "m.json").read_text()


def test_fingerprints_tell_parts_apart():
    assert fingerprint(a=1, b=2) == fingerprint(b=2, a=1)
    different = [fingerprint(a=1), fingerprint(a="1"), fingerprint(b=1), fingerprint(a=[1])]
    assert len(set(different)) == 4
    assert len(fingerprint(a=1)) == 16
