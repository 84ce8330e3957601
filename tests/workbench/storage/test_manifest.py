import json
import re

import pytest

from workbench.storage import manifest as module
from workbench.storage.manifest import Manifest, commit, environment, version_string


@pytest.fixture
def manifest(tmp_path):
    return Manifest(tmp_path / "manifest.json")


def on_disk(manifest):
    return json.loads(manifest.path.read_text())


def test_every_change_is_on_disk_at_once(manifest):
    assert manifest.data == {}
    manifest.update(seed=3)
    manifest.update(signature="a|b")
    assert on_disk(manifest) == {"seed": 3, "signature": "a|b"}
    assert Manifest(manifest.path).data == manifest.data


def test_a_damaged_file_is_named(manifest):
    manifest.path.write_text("{")
    with pytest.raises(ValueError, match=r"manifest\.json is damaged.*restore it"):
        Manifest(manifest.path)


def test_a_stage_is_running_and_then_done(manifest):
    assert manifest.stage("score") == {}
    with manifest.running("score", "f1") as entry:
        assert on_disk(manifest)["stages"]["score"]["status"] == "running"
        entry["texts_encoded"] = 7
    stage = on_disk(manifest)["stages"]["score"]
    assert stage["status"] == "done"
    assert stage["fingerprint"] == "f1"
    assert stage["texts_encoded"] == 7
    assert stage["interruptions"] == 0
    assert stage["peak_memory_mib"] > 10
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", stage["started"])


def test_an_exception_interrupts_a_stage_and_is_passed_on(manifest):
    for count in (1, 2):
        with pytest.raises(KeyboardInterrupt), manifest.running("score", "f1"):
            raise KeyboardInterrupt
        stage = on_disk(manifest)["stages"]["score"]
        assert (stage["status"], stage["interruptions"]) == ("interrupted", count)


def test_a_killed_stage_counts_as_interrupted_the_next_time(manifest):
    context = manifest.running("score", "f1")
    context.__enter__()  # and the process dies here
    again = Manifest(manifest.path)
    with again.running("score", "f1"):
        pass
    assert again.stage("score")["interruptions"] == 1


def test_wall_time_adds_up_over_attempts_at_the_same_work_only(manifest, monkeypatch):
    clock = iter([0.0, 5.0, 100.0, 103.0, 200.0, 201.0])
    monkeypatch.setattr("workbench.storage.manifest.time.perf_counter", lambda: next(clock))
    with pytest.raises(OSError, match="full"), manifest.running("score", "f1"):
        raise OSError("full")
    with manifest.running("score", "f1"):
        pass
    assert manifest.stage("score")["seconds"] == 8.0
    assert manifest.stage("score")["interruptions"] == 1
    with manifest.running("score", "f2"):  # other work
        pass
    assert manifest.stage("score")["seconds"] == 1.0
    assert manifest.stage("score")["interruptions"] == 0


def test_stages_do_not_touch_one_another(manifest):
    for name in ("generate", "score"):
        with manifest.running(name, name):
            pass
    assert set(on_disk(manifest)["stages"]) == {"generate", "score"}


def test_the_environment_is_named():
    found = environment()
    assert found["python"].startswith("3.11")
    assert set(found["hardware"]) == {"machine", "cpu", "cores", "memory_gib", "gpus"}
    assert found["hardware"]["cores"] >= 1
    assert {"numpy", "pyarrow", "reasoning-gym"} <= set(found["packages"])
    json.dumps(found)


def test_the_version_holds_the_commit_where_there_is_one(monkeypatch):
    assert version_string() in ("v0.1.0", f"v0.1.0+g{commit().replace('+', '.')}")
    monkeypatch.setenv("PATH", "")  # no git
    assert commit() == ""
    assert version_string() == "v0.1.0"


def test_an_installed_package_takes_no_commit_of_the_repository_around_it(monkeypatch, tmp_path):
    assert (module.CLONE / "pyproject.toml").exists()
    monkeypatch.setattr(module, "output_of", lambda *command, cwd: "1a2b3c4")
    monkeypatch.setattr(module, "CLONE", tmp_path)
    assert commit() == ""
    (tmp_path / ".git").touch()  # as of a worktree
    assert commit() == "1a2b3c4"


def test_what_is_known_when_a_stage_begins_is_on_disk_from_then_on(tmp_path):
    manifest = Manifest(tmp_path / "manifest.json")
    with manifest.running("generate", "f", samples=9):
        told = Manifest(tmp_path / "manifest.json").stage("generate")
    assert (told["status"], told["samples"]) == ("running", 9)
