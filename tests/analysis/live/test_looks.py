"""A run is looked at at any moment: before, while, and after it is drawn, stopped and killed."""

import json
import shutil
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from workbench.analysis.live import words
from workbench.analysis.live.looks import FRESH, Watched
from workbench.storage.lock import locked
from workbench.storage.run_folder import Folder

ROOT = Path(__file__).parents[3]
TOTAL = 12 * (8 + 8 + 1)
LATER = datetime.now(UTC) + timedelta(hours=23)
"""By then nothing is fresh."""


def on_disk(root):
    folder = Folder(root)
    tables = [folder.read_samples(block) for block in folder.blocks_with_samples()]
    return sum(table.num_rows for table in tables)


def test_a_killed_run_says_so_and_how_it_goes_on(begun):
    root = begun(100, killed=True)
    look = Watched(root).look(LATER)
    assert (look.going, look.finished) == (False, False)
    assert words.state(look).startswith("The run was killed while drawing; it last wrote 22 h ")
    assert f"`workbench run {root}` goes on" in words.state(look)
    assert look.drawing.done == on_disk(root) == sum(one.drawn for one in look.conditions)
    assert 100 <= look.drawing.done < TOTAL == look.drawing.of
    assert look.drawing.seconds_left is None


def test_a_stopped_run_says_so_at_once(begun):
    look = Watched(begun(100)).look()
    assert not look.going
    assert "The run was stopped while drawing" in words.state(look)
    assert look.in_all > 0  # as the manifest has it


def test_what_has_written_just_now_goes_on_though_nobody_here_holds_it(begun):
    root = begun(100, killed=True)
    written = datetime.fromtimestamp((root / "manifest.json").stat().st_mtime, UTC)
    assert Watched(root).look(written + FRESH / 2).going
    assert not Watched(root).look(written + 2 * FRESH).going


def test_a_run_that_is_held_goes_on_and_has_a_time_left(begun):
    root = begun(100, killed=True)
    watched = Watched(root)
    with locked(root):
        look = watched.look(LATER)
        assert look.going
        assert words.state(look) == "The run goes on: drawing."
        left = TOTAL - look.drawing.done
        mean = look.tokens / look.drawing.done
        assert look.in_all > 0
        assert look.drawing.seconds_left == pytest.approx(left * mean / look.in_all, rel=0.2)
    assert not watched.look(LATER).going


def test_a_run_that_was_resumed_counts_only_what_it_drew_since(begun):
    root = begun(100)
    before = Watched(root).look().tokens
    begun(20, killed=True)
    entry = json.loads((root / "manifest.json").read_text())["stages"]["generate"]
    assert entry["there"]["tokens"] == before
    now = datetime.fromisoformat(entry["started"]) + timedelta(seconds=10)
    with locked(root):
        look = Watched(root).look(now)
    assert look.in_all == pytest.approx((look.tokens - before) / 10)


def test_before_the_first_sample_and_before_anything(tmp_path, begun):
    root = tmp_path / "new"
    with pytest.raises(ValueError, match=r"new is no folder; give that of a run"):
        Watched(root)
    root.mkdir()
    with pytest.raises(ValueError, match=r"new is not a run: it has no experiment\.yaml"):
        Watched(root)
    with locked(root):
        watched = Watched(root)
        assert words.state(watched.look()) == "The run is being set up: nothing is drawn yet."
        made = begun(1)
        for name in ("experiment.yaml", "manifest.json"):
            shutil.copy(made / name, root / name)
        assert watched.look().stages == ()
        shutil.copy(made / "problems.jsonl", root / "problems.jsonl")
        look = watched.look()
    assert (look.drawing.done, look.drawing.of, look.tokens) == (0, TOTAL, 0)
    assert all(one.so_far is None for one in look.conditions)


def test_a_folder_that_goes_while_it_is_watched_is_one_message(begun):
    root = begun(10)
    watched = Watched(root)
    watched.look()
    shutil.rmtree(root)
    with pytest.raises(ValueError, match="is no folder"):
        watched.look()


def test_it_is_safe_while_samples_are_written_and_compacted(begun):
    """Counts never fall, never exceed what there is, and end at all samples."""
    root = begun(1)
    watched, counts = Watched(root), []
    drawing = threading.Thread(
        target=begun, kwargs={"engine": {"seconds_per_sample": 0.002}}, daemon=True
    )
    before = {path.name for path in root.iterdir()}
    drawing.start()
    while drawing.is_alive():
        look = watched.look()
        counts.append(look.drawing.done)
        assert not look.notes
    drawing.join()
    last = watched.look()
    assert counts == sorted(counts)
    assert len({*counts}) > 5, "too few looks fell into the drawing to prove anything"
    assert last.drawing.done == on_disk(root) == TOTAL
    again = Watched(root).look()
    assert [c.so_far for c in again.conditions] == [c.so_far for c in last.conditions]
    assert again.tokens == last.tokens
    assert {path.name for path in root.iterdir()} - before <= {"samples"}


def test_an_experiment_that_asks_for_more_is_noticed(begun):
    root = begun()
    watched = Watched(root)
    assert watched.look().drawing.of == TOTAL
    begun(10, n=10, killed=True)
    look = watched.look(LATER)
    assert look.drawing.of == 12 * (10 + 10 + 1)
    assert TOTAL < look.drawing.done == on_disk(root)


def test_a_finished_run_and_its_stages():
    look = Watched(ROOT / "results" / "reference").look()
    assert (look.going, look.finished) == (False, True)
    assert words.state(look) == "The run has ended, with all stages done."
    assert [one.status for one in look.stages] == ["done"] * 4
    assert look.stages[0].done == look.stages[0].of == 30 * (16 * 3 + 1)


def test_drawn_and_nothing_else_says_what_is_not_begun(begun):
    look = Watched(begun()).look(LATER)
    said = words.state(look)
    assert said.startswith("Not begun: score, measure, analyze. No process works on it.")


def test_a_stage_that_works_block_by_block(tmp_path):
    root = tmp_path / "run"
    shutil.copytree(ROOT / "results" / "reference", root)
    for table in ("samples", "scores", "subsets"):
        (source,) = (root / table).glob("block-*.parquet")
        for block in (1, 2, 3):
            shutil.copy(source, source.with_name(source.name.replace("00000", f"0000{block}")))
    (root / "subsets" / "block-00003.parquet").unlink()
    held = json.loads((root / "manifest.json").read_text())
    now = datetime.now(UTC)
    entry = {"status": "running", "started": (now - timedelta(seconds=30)).isoformat()}
    held["stages"]["measure"] = entry | {"seconds": 0.0}
    (root / "manifest.json").write_text(json.dumps(held))
    with locked(root):
        look = Watched(root).look(now)
    stage = look.stage
    assert (stage.name, stage.done, stage.of) == ("measure", 3, 4)
    assert 5 <= stage.seconds_left <= 30
    assert words.state(look) == "The run goes on: measuring."
    assert "3 of 4 blocks (75%), 30 s so far, about" in words.stage_words(stage)


def test_answers_that_take_long_to_compare_wait_for_the_stage(begun, monkeypatch):
    from workbench.tasks.quick_comparer import QuickComparer

    monkeypatch.setattr(
        QuickComparer, "_verdicts", lambda self, gold, answers: dict.fromkeys(answers)
    )
    look = Watched(begun(50)).look()
    assert all(one.so_far is None for one in look.conditions)
    (note,) = look.notes
    assert note.startswith("accuracy comes with the stage score: 9")
    assert note.endswith("of the answers take longer to compare with the known ones")
