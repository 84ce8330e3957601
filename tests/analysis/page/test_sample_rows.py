import json
import shutil

import numpy as np
import pytest

from workbench import load_run
from workbench.analysis.aggregate import AGGREGATORS
from workbench.analysis.page.sample_rows import read_blocks
from workbench.interchange.importer import import_file
from workbench.interchange.sample_files import SampleFiles


def read(folder):
    notes = []
    rows = list(read_blocks(load_run(folder), notes))
    return rows, notes


def test_vectors_stand_beside_their_samples_by_key(embedded, tmp_path):
    rows, notes = read(embedded[1])
    run = load_run(embedded[1])
    assert not notes
    for block in rows:
        for name, bounds in block.problems():
            for start, stop in bounds:
                part = block.frame.iloc[start:stop]
                assert part["sample_index"].tolist() == list(range(stop - start))
                pool = run.pool(name, part["temperature"].iloc[0])
                np.testing.assert_allclose(block.vectors[block.places[start:stop]], pool.embeddings)


def test_samples_that_were_never_scored_or_embedded_are_there(embedded, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(embedded[1], folder)
    (folder / "scores" / "block-00000.parquet").unlink()
    (folder / "embeddings" / "block-00001.parquet").unlink()
    (folder / "scores" / "block-00002.parquet").write_bytes(b"PAR1 damaged")
    rows, notes = read(folder)
    assert sum(len(block.frame) for block in rows) == 12 * 17
    assert rows[0].frame["status"].isna().all()
    assert rows[1].vectors is None
    assert rows[1].frame["status"].notna().all()
    told = "\n".join(notes)
    assert "136 samples are not scored yet" in told
    assert "scores of block 2 are not shown" in told
    assert "block-00002.parquet is damaged" in told


@pytest.mark.parametrize("damaged", ["samples/block-00001.000.parquet"])
def test_samples_that_cannot_be_read_are_named(copied, damaged):
    folder = copied[1]
    (folder / damaged).write_bytes(b"nothing")
    rows, notes = read(folder)
    assert sum(len(block.frame) for block in rows) == 8 * 17
    assert "the samples of block 1 are not shown" in notes[0]
    assert "no embeddings" in notes[-1]


def test_samples_that_the_tables_leave_aside_are_left_aside(copied):
    folder = copied[1]
    text = (folder / "experiment.yaml").read_text()
    (folder / "experiment.yaml").write_text(text.replace("n: 8", "n: 6"))
    rows, notes = read(folder)
    assert sum(len(block.frame) for block in rows) == 12 * 13
    assert "48 samples beyond generation.n" in "\n".join(notes)


def test_samples_of_unknown_temperature_are_shown(tmp_path):
    path = tmp_path / "samples.jsonl"
    rows = [{"problem_id": "p", "text": f"text {number}", "correct": True} for number in range(3)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    import_file(SampleFiles.from_options([path]), tmp_path / "run", AGGREGATORS)
    blocks, notes = read(tmp_path / "run")
    assert [text for block in blocks for text in block.frame["completion"]] == [
        row["text"] for row in rows
    ]
    assert "left aside" not in "\n".join(notes)
