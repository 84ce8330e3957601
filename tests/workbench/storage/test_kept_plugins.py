"""What a run's folder keeps of its plug-ins, and what is said where they are not loaded."""

import pytest

from workbench.core import plugins
from workbench.core.plugins import Plugin
from workbench.storage.kept_plugins import copy_of, keep_plugins, unloaded_message
from workbench.storage.manifest import Manifest


@pytest.fixture
def loaded(monkeypatch):
    """A function: sources by path -> they count as loaded."""

    def load(**sources):
        made = {
            f"/study/{n}.py": Plugin(f"/study/{n}.py", t, t.encode()) for n, t in sources.items()
        }
        monkeypatch.setattr(plugins, "_LOADED", made)
        monkeypatch.setattr(plugins, "_INSTALLED", [])
        return [*made]

    return load


def test_hash_names_and_source_are_kept(loaded, tmp_path, capsys):
    names = loaded(mine="x = 1")
    keep_plugins(tmp_path, Manifest(tmp_path / "manifest.json"), names)
    found = Manifest(tmp_path / "manifest.json").data["plugins"]
    assert found == [{"name": "/study/mine.py", "sha256": "x = 1", "adds": {}}]
    assert copy_of(tmp_path, names[0]).read_text() == "x = 1"
    assert capsys.readouterr().err == ""


def test_a_change_is_said(loaded, tmp_path, capsys):
    manifest = Manifest(tmp_path / "manifest.json")
    keep_plugins(tmp_path, manifest, loaded(mine="x = 1", other="y"))
    keep_plugins(tmp_path, manifest, loaded(mine="x = 2", other="y"))
    said = capsys.readouterr().err
    assert "/study/mine.py has changed: what it made of this run is made again" in said
    assert "other" not in said
    assert (tmp_path / "plugins" / "mine.py").read_text() == "x = 2"


def test_a_run_without_plug_ins_has_no_entry(loaded, tmp_path):
    loaded()
    manifest = Manifest(tmp_path / "manifest.json")
    keep_plugins(tmp_path, manifest, [])
    assert "plugins" not in manifest.data
    assert not (tmp_path / "plugins").exists()


def test_the_message_offers_the_copy_of_a_file_that_is_gone(tmp_path):
    own = tmp_path / "own.py"
    own.touch()
    told = unloaded_message(tmp_path / "run", [str(own), "/gone/mine.py", "package.rows"])
    copy = tmp_path / "run" / "plugins" / "mine.py"
    assert "/gone/mine.py is gone; the folder keeps a copy" in told
    assert f"add --set 'plugins=[{own}, {copy}, package.rows]'" in told
