import pytest

from workbench.core.types import Known, Problem, Sample
from workbench.storage.journal import Journal
from workbench.storage.parquet import KEY, sample_rows, write_table
from workbench.storage.run_folder import ROWS_PER_BLOCK, Folder, block_size


def sample(index, problem="p"):
    return Sample(problem, 0.5, index, f"text {index}", "stop", (1,), (-0.5,), index, "h")


def known(*names):
    return [Known(Problem(name, "?", "1", {"level": 5}), f"hash of {name}") for name in names]


def test_problems_come_back_in_their_order(tmp_path):
    folder = Folder(tmp_path)
    assert folder.read_problems() == []
    problems = known("b", "a", "ç\n")
    folder.write_problems(problems)
    assert folder.read_problems() == problems


@pytest.mark.parametrize("line", ['{"id": "c", "que', "[]", "{}", '{"prompt_hash": "h"}'])
def test_a_damaged_line_of_problems_is_named(tmp_path, line):
    folder = Folder(tmp_path)
    folder.write_problems(known("a", "b"))
    path = tmp_path / "problems.jsonl"
    path.write_text(path.read_text() + line)
    with pytest.raises(ValueError, match=r"problems\.jsonl, line 3: damaged"):
        folder.read_problems()


def test_a_block_s_samples_are_those_of_its_parts_and_its_journal(tmp_path):
    folder = Folder(tmp_path)
    for start in (0, 2):
        rows = sample_rows([sample(start), sample(start + 1)])
        write_table(folder.next_part(7), rows, "made")
    with Journal(folder.journal(7)) as journal:
        journal.add(sample(4))
    assert [p.name for p in folder.parts(7)] == [
        "block-00007.000.parquet", "block-00007.001.parquet",
    ]  # fmt: skip
    assert folder.next_part(7).name == "block-00007.002.parquet"
    assert folder.read_samples(7)["sample_index"].to_pylist() == [0, 1, 2, 3, 4]
    assert folder.read_samples(7, [*KEY, "seed"]).schema.names == [*KEY, "seed"]
    assert folder.read_samples(8).num_rows == 0
    assert list(folder.blocks_with_samples()) == [7]


def test_parts_from_before_a_column_came_are_read_with_nulls(tmp_path):
    folder = Folder(tmp_path)
    old = sample_rows([sample(0)]).drop_columns(["token_entropies", "mean_entropy"])
    write_table(folder.next_part(0), old, "made")
    write_table(folder.next_part(0), sample_rows([sample(1)]), "made")
    for rows in (folder.read_samples(0), folder.read_samples(0, [*KEY, "mean_entropy"])):
        assert rows["sample_index"].to_pylist() == [0, 1]
        assert rows["mean_entropy"].to_pylist() == [None, None]


def test_a_row_in_both_a_part_and_the_journal_counts_once(tmp_path):
    """As when a kill came between writing the one and dropping the other."""
    folder = Folder(tmp_path)
    write_table(folder.next_part(0), sample_rows([sample(0), sample(1)]), "made")
    with Journal(folder.journal(0)) as journal:
        for index in (0, 1, 2):
            journal.add(sample(index))
        journal.add(sample(0, "q"))  # of another problem
    rows = folder.read_samples(0, KEY).to_pylist()
    assert [(row["problem_id"], row["sample_index"]) for row in rows] == [
        ("p", 0), ("p", 1), ("p", 2), ("q", 0),
    ]  # fmt: skip


def test_files_that_are_being_written_are_no_blocks(tmp_path):
    (tmp_path / "samples").mkdir()
    (tmp_path / "samples" / "block-00003.000.parquet.part").touch()
    assert list(Folder(tmp_path).blocks_with_samples()) == []
    Folder(tmp_path).journal(2).touch()
    assert list(Folder(tmp_path).blocks_with_samples()) == [2]


def test_a_block_holds_about_the_same_number_of_samples_for_any_pool():
    assert block_size(1) == ROWS_PER_BLOCK
    assert block_size(256) == ROWS_PER_BLOCK // 256
    assert block_size(10**6) == 1
