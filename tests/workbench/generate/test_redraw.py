"""Error rows are drawn again on request, and nothing else is: a good row is never touched."""

import contextlib
import dataclasses
import json
import shutil

import pyarrow.parquet as pq
import pytest

from tests.workbench.generate.test_stage import experiment
from workbench.core.types import Sample
from workbench.generate import BACKENDS
from workbench.generate.drawing_progress import say_how_it_went
from workbench.generate.stage import generate
from workbench.storage.journal import Journal
from workbench.storage.manifest import Manifest
from workbench.storage.open_run import OpenRun
from workbench.storage.parquet import THOUGHT_COLUMNS
from workbench.storage.run_folder import Folder


class Killed(BaseException):
    """What stands for the end of the process."""


@pytest.fixture
def drawing(tmp_path, monkeypatch):
    """A function that draws a run of 4 problems, 2 a block, where some samples fail."""

    def draw(fails=lambda request: False, text="first", redraw=False, most=10**9):
        drawn = []

        def sample(requests, settings):
            for request in requests:
                if len(drawn) == most:
                    raise Killed
                drawn.append((request.problem_id, request.condition, request.sample_index))
                if fails(request):
                    yield request.sampled("half", "error", error=f"{text} failed")
                else:
                    yield request.sampled(f"{text} {request.seed}", "stop", (1,), (-0.5,))

        replay = dataclasses.replace(BACKENDS["replay"], sample=sample)
        monkeypatch.setitem(BACKENDS, "replay", replay)
        settings = experiment()
        path = tmp_path / "run" / "manifest.json"
        if not path.exists():
            path.parent.mkdir()
            path.write_text(json.dumps({"problems_per_block": 2}))
        with contextlib.suppress(Killed):
            generate(OpenRun.of(path.parent, settings), settings, redraw_errors=redraw)
        return drawn

    draw.folder = tmp_path / "run"
    return draw


def rows(folder):
    """Every row of the files, by key; each key once. Read without the workbench."""
    found = {}
    for path in sorted((folder / "samples").glob("*.parquet")):
        for row in pq.ParquetFile(path).read().to_pylist():
            key = row["problem_id"], row["condition"], row["sample_index"]
            assert key not in found
            lacking = dict.fromkeys(THOUGHT_COLUMNS) | {"turn": 1, "parent": None}
            found[key] = lacking | row  # files without a thought or a second turn lack these
    return found


def read(folder):
    """The same as the workbench reads it, journals included."""
    run, found = Folder(folder), {}
    for block in run.blocks_with_samples():
        for columns in (None, ("problem_id", "condition", "sample_index", "completion")):
            table = run.read_samples(block, columns)
            assert columns is None or table.schema.names == list(columns)
            for row in table.to_pylist():
                key = row["problem_id"], row["condition"], row["sample_index"]
                assert found.setdefault(key, row["completion"] if columns else row) is not None
    return found


def some(request):
    return request.sample_index in (2, 5) and request.problem_id != "problem-3"


FAILED = 3 * 2 * 2  # problems, temperatures, samples


def test_only_error_rows_are_drawn_again_and_take_their_places(drawing):
    drawing(some)
    before = rows(drawing.folder)
    assert not drawing()  # not unless asked for
    order = list(before)
    drawn = drawing(text="second", redraw=True)
    after = rows(drawing.folder)
    assert list(after) == order
    failed = {key for key, row in before.items() if row["stop_reason"] == "error"}
    assert set(drawn) == failed
    assert len(drawn) == len(failed) == FAILED
    for key, row in after.items():
        if key in failed:
            assert row["completion"] == f"second {before[key]['seed']}"  # with the same seed
            assert (row["seed"], row["error"]) == (before[key]["seed"], "")
        else:
            assert row == before[key]
    assert not list((drawing.folder / "samples").glob("*.journal"))
    assert not drawing(redraw=True)  # there are none left
    assert Manifest(drawing.folder / "manifest.json").stage("generate")["errors"] == 0


def test_what_fails_again_says_its_last_reason(drawing):
    drawing(some)
    drawing(lambda request: request.sample_index == 5, text="second", redraw=True)
    after = rows(drawing.folder)
    assert len(after) == 64
    errors = [row["error"] for row in after.values() if row["stop_reason"] == "error"]
    assert errors == ["second failed"] * (FAILED // 2)
    assert len(drawing(text="third", redraw=True)) == FAILED // 2


@pytest.mark.parametrize("most", range(0, FAILED + 1, 3))
def test_killed_at_any_sample_nothing_is_lost(drawing, most):
    drawing(some)
    before = rows(drawing.folder)
    good = {key: row for key, row in before.items() if row["stop_reason"] != "error"}
    first = drawing(text="second", redraw=True, most=most)
    held = read(drawing.folder)
    assert len(held) == 64
    assert {key: held[key] for key in good} == good
    assert all(held[key]["completion"].startswith("second") for key in first)
    second = drawing(text="third", redraw=True)
    assert sorted([*first, *second]) == sorted(before.keys() - good.keys())
    after = rows(drawing.folder)
    assert len(after) == 64
    assert {key: after[key] for key in good} == good
    assert all(after[key]["completion"].startswith("second") for key in first)


def test_killed_between_a_file_and_the_end_of_its_journal(drawing, monkeypatch):
    drawing(some)
    drawing(text="second", redraw=True, most=FAILED - 1)
    journals = list((drawing.folder / "samples").glob("*.journal"))
    assert len(journals) == 1
    shutil.copy(journals[0], drawing.folder / "kept")
    drawing(text="third", redraw=True)
    after = rows(drawing.folder)
    shutil.copy(drawing.folder / "kept", journals[0])  # as if it had not been deleted yet
    manifest = Manifest(drawing.folder / "manifest.json")
    manifest.update(stages={"generate": manifest.stage("generate") | {"status": "running"}})
    mine = {"problem-0", "problem-1"} if "00000" in journals[0].name else {"problem-2", "problem-3"}
    key, good = next(
        (key, row)
        for key, row in after.items()
        if row["completion"].startswith("first") and key[0] in mine
    )
    with Journal(journals[0]) as journal:  # which no crash does, and which changes nothing either
        other = key[0], good["temperature"], key[2], "other", "stop", (), (), good["seed"]
        journal.add(Sample(*other, good["prompt_hash"]))
    assert len(read(drawing.folder)) == 64
    assert not drawing(text="fourth")
    assert rows(drawing.folder) == after
    assert not journals[0].exists()


def test_a_run_may_go_on_without_drawing_the_rest_again(drawing):
    drawing(some)
    drawing(text="second", redraw=True, most=4)
    assert not drawing(text="third")
    after = rows(drawing.folder)
    assert sum(row["stop_reason"] == "error" for row in after.values()) == FAILED - 4
    assert sum(row["completion"].startswith("second") for row in after.values()) == 4


@pytest.mark.parametrize(
    ("failed", "limit", "fails"),
    [(0, 0.0, False), (1, 0.1, False), (2, 0.1, True), (9, 1.0, False), (10, 1.0, True)],
)
def test_how_many_may_fail_is_a_share(tmp_path, capsys, failed, limit, fails):
    manifest = Manifest(tmp_path / "manifest.json")
    entry = {"errors": failed, "samples": 10, "failures": {"it was too long": failed}}
    manifest.update(stages={"generate": entry})
    words = f"{failed} of 10 samples could not be drawn"
    if fails:
        with pytest.raises(ValueError, match=f"{words}.*it was too long.*--redraw errors"):
            say_how_it_went(manifest, limit)
    else:
        say_how_it_went(manifest, limit)
    assert (words in capsys.readouterr().err) == (not fails and failed > 0)
