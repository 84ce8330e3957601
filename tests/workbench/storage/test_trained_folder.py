"""The folder of a model that was trained here."""

import pytest

from workbench.storage.manifest import Manifest
from workbench.storage.trained_folder import SETTINGS, is_finished, publish, refuse_other_folder


def test_a_model_is_recognised_only_when_all_of_it_is_there(tmp_path, monkeypatch):
    made, out = tmp_path / "made", tmp_path / "out"
    made.mkdir()
    out.mkdir()
    for name in ("config.json", "a.safetensors", "z.json"):
        (made / name).write_text(name)
    moved = []
    replace = type(made).replace
    monkeypatch.setattr(
        type(made), "replace", lambda one, to: moved.append(to.name) or replace(one, to)
    )
    publish(made, out)
    assert moved[-1] == "config.json"
    assert sorted(path.name for path in out.iterdir()) == sorted(moved)


def test_a_folder_with_anything_else_is_refused(tmp_path):
    refuse_other_folder(tmp_path / "none")
    (tmp_path / ".lock").touch()
    refuse_other_folder(tmp_path)
    (tmp_path / "notes.txt").touch()
    with pytest.raises(ValueError, match=r"holds something else \(notes\.txt\)"):
        refuse_other_folder(tmp_path)
    (tmp_path / SETTINGS).touch()
    refuse_other_folder(tmp_path)


def test_a_folder_is_of_one_training(tmp_path):
    manifest = Manifest(tmp_path / SETTINGS)
    assert not is_finished(manifest, tmp_path, {"lr": 1}, "a model")
    manifest.update(made_from={"lr": 1}, stages={"train": {"status": "done"}})
    assert is_finished(manifest, tmp_path, {"lr": 1}, "a model")
    with pytest.raises(
        ValueError, match=r"holds a model made from something else \(lr: 1 there, 2"
    ):
        is_finished(manifest, tmp_path, {"lr": 2}, "a model")
