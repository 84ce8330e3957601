import json
import shutil

import pytest

from tests.workbench.offline_wandb import read_file
from workbench.storage.manifest import Manifest
from workbench.tracking.run_identity import tracked_id


def manifest_in(folder, **values):
    folder.mkdir(parents=True, exist_ok=True)
    manifest = Manifest(folder / "manifest.json")
    if values:
        manifest.update(**values)
    return manifest


def test_a_folder_keeps_one_id_whatever_changes(tmp_path):
    first = tracked_id(manifest_in(tmp_path / "a", signature="x|N:8"))
    assert tracked_id(manifest_in(tmp_path / "a", signature="x|N:16|v2")) == first
    assert tracked_id(manifest_in(tmp_path / "b", signature="x|N:8")) != first
    assert len(first) == 12


def test_a_moved_folder_keeps_its_run_and_a_copy_begins_its_own(tmp_path):
    first = tracked_id(manifest_in(tmp_path / "a"))
    shutil.copytree(tmp_path / "a", tmp_path / "copy")
    copied = tracked_id(manifest_in(tmp_path / "copy"))
    assert copied != first
    (tmp_path / "a").rename(tmp_path / "moved")
    assert tracked_id(manifest_in(tmp_path / "moved")) == first
    assert tracked_id(manifest_in(tmp_path / "copy")) == copied
    # another run where the first one was is no reason to part from it
    later = tracked_id(manifest_in(tmp_path / "a"))
    assert later not in (first, copied)
    (tmp_path / "moved").rename(tmp_path / "again")
    assert tracked_id(manifest_in(tmp_path / "again")) == first


def test_a_damaged_manifest_elsewhere_is_no_rival(tmp_path):
    first = tracked_id(manifest_in(tmp_path / "a"))
    shutil.copytree(tmp_path / "a", tmp_path / "copy")
    (tmp_path / "a" / "manifest.json").write_text("{")
    assert tracked_id(manifest_in(tmp_path / "copy")) == first


@pytest.mark.parametrize(
    "place",
    [
        "https://wandb.ai/lab/workbench/runs/0123456789ab",
        "results/x/wandb/offline-run-20261128_053321-0123456789ab",
        "results/x/wandb/run-20261128_053321-0123456789ab",
    ],
)
def test_a_run_that_was_tracked_before_ids_were_kept_goes_on(tmp_path, place):
    manifest = manifest_in(tmp_path / "a", tracked=place)
    assert tracked_id(manifest) == "0123456789ab"
    assert tracked_id(manifest_in(tmp_path / "a")) == "0123456789ab"


def test_the_id_that_a_sweep_s_agent_gave_is_kept_too(tmp_path):
    assert tracked_id(manifest_in(tmp_path / "a"), "agent1") == "agent1"
    assert tracked_id(manifest_in(tmp_path / "a")) == "agent1"


@pytest.fixture(scope="module")
def topped_up(cli, finished, tmp_path_factory):
    """(what W&B's offline files of one folder hold, the folder's signature after each run)."""
    cli.load("wandb")
    folder = tmp_path_factory.mktemp("topped-up") / "run"
    signatures = []
    for change in (
        "generation.n=4", "generation.n=6", "generation.temperatures=[0.3, 1.0, 1.3]",
        "analysis.num_buckets=5",
    ):  # fmt: skip
        start = finished[0] if not signatures else folder
        settings = ["tracking.mode=offline", "measure.k=[2]", change]
        words = [word for one in settings for word in ("--set", one)]
        child = cli.must("run", start, "--out", folder, *words, tables=["bucket"])
        assert "tracking stopped" not in child.err
        signatures.append(json.loads((folder / "manifest.json").read_text())["signature"])
    files = sorted(folder.glob("wandb/offline-run-*/*.wandb"), key=lambda f: f.stat().st_mtime)
    return [read_file(file) for file in files], signatures


def test_a_top_up_continues_the_tracked_run_under_its_present_name(topped_up):
    found, signatures = topped_up
    assert len(found) == 4
    assert len({one["run"].run_id for one in found}) == 1
    assert [one["run"].display_name for one in found] == signatures
    assert len(set(signatures)) == 3  # the last only analyses another way
    assert [one["config"]["N"] for one in found] == [4, 6, 6, 6]
    assert [one["config"]["temperatures"] for one in found[1:]] == ["0.3,1", *["0.3,1,1.3"] * 2]
