import sys
import types
from pathlib import Path

import pandas as pd
import pytest

from workbench.config.schema import Tracking
from workbench.storage.manifest import Manifest
from workbench.tracking import trackio_run
from workbench.tracking.open_tracker import open_tracker
from workbench.tracking.wandb_run import ArtifactFiles

ROOT = Path(__file__).parents[3]


class StandIn(types.ModuleType):
    """What the workbench uses of trackio, which is no part of the tests' environment."""

    def __init__(self):
        super().__init__("trackio")
        self.rows, self.kept, self.finished, self.renamed = [], [], 0, []
        self.begun = {}
        self.there = []
        self.Table = self.Html = self.Image = lambda *given, **more: ("media", given, more)
        self.Artifact = StandInArtifact
        self.run = types.SimpleNamespace(log=self.rows.append, log_artifact=self.kept.append)
        self.Api = lambda: self

    def runs(self, project):
        if not self.there:
            raise ValueError(f"Project {project!r} does not exist")
        return self.there

    def init(self, **options):
        print("* greetings")
        self.begun = options
        return self.run

    def finish(self):
        print("* farewell")
        self.finished += 1


class StandInArtifact:
    def __init__(self, name, type, metadata):
        self.name, self.type, self.metadata, self.files = name, type, metadata, []

    def add_file(self, path, name):
        self.files.append((path, name))


@pytest.fixture
def trackio(monkeypatch):
    made = StandIn()
    monkeypatch.setitem(sys.modules, "trackio", made)
    monkeypatch.setattr(trackio_run, "find_spec", lambda name: name)
    monkeypatch.delenv("WANDB_MODE", raising=False)
    return made


def opened(folder, name="a|b"):
    folder.mkdir(exist_ok=True)
    settings = Tracking(tracker="trackio", project="p", group="g")
    manifest = Manifest(folder / "manifest.json")
    return open_tracker(settings, manifest, name, {"N": 8}), manifest.data["tracked_run"]["id"]


def test_a_run_is_named_by_its_folder_and_id_and_continued(trackio, tmp_path, capsys):
    tracker, own = opened(tmp_path / "mine")
    tracker.log({"tokens": 3, "note": "text"})
    tracker.log({"tokens": 4})
    tracker.finish()
    assert trackio.rows == [{"tokens": 3.0}, {"tokens": 4.0}]
    begun = trackio.begun
    assert (begun["project"], begun["group"], begun["resume"]) == ("p", "g", "allow")
    assert begun["name"] == f"mine {own}"
    assert begun["config"] == {"N": 8, "signature": "a|b"}
    assert trackio.finished == 1
    assert tracker.place == "trackio show --project p"
    told = capsys.readouterr()
    assert told.out == ""  # neither greetings nor farewell
    assert told.err.count("artifacts name no inputs") == 1
    again, same = opened(tmp_path / "mine", "a|b|more")
    again.log({"tokens": 5})
    assert same == own
    assert trackio.begun["name"] == begun["name"]
    assert trackio.begun["config"]["signature"] == "a|b|more"


def test_the_run_of_a_folder_that_was_renamed_is_renamed(trackio, tmp_path):
    _, own = opened(tmp_path / "before")
    (tmp_path / "before").rename(tmp_path / "after")
    trackio.there = [
        types.SimpleNamespace(name=f"before {own}", rename=trackio.renamed.append),
        types.SimpleNamespace(name="before 0", rename=trackio.renamed.append),
    ]
    tracker, same = opened(tmp_path / "after")
    tracker.log({"a": 1})
    assert same == own
    assert trackio.renamed == [f"after {own}"] == [trackio.begun["name"]]


def test_tables_curves_figures_and_artifacts_are_recorded_as_far_as_there_is_place(
    trackio, tmp_path
):
    tracker, _ = opened(tmp_path / "mine")
    tracker.table("bucket", pd.DataFrame({"a": [1]}))
    tracker.table("empty", pd.DataFrame())
    tracker.curves("k", [{"k": 2, "curve/all/maj@k": 0.5, "curve/all/maj@k/low": 0.4}])
    tracker.figure("drawn", tmp_path / "drawn.png", lambda: "<html>")
    tracker.summarize({"maj@8": 0.5, "maj@8/T1": 0.25, "doubts": "none"})
    file = tmp_path / "rows.parquet"
    bundles = [
        ArtifactFiles("x-samples", "samples", [file], {"rows": 3}),
        ArtifactFiles("x-none", "tables", [], {}),
    ]
    tracker.log_artifacts(bundles)
    tracker.use_artifacts(bundles)
    assert not tracker.broken
    names = [sorted(row) for row in trackio.rows]
    assert names == [
        ["tables/bucket"], ["curve/all/maj@k", "k"], ["charts/drawn", "figures/drawn"],
        ["maj@8", "tables/summary"],
    ]  # fmt: skip
    (kept,) = trackio.kept
    assert (kept.name, kept.type, kept.metadata) == ("x-samples", "samples", {"rows": 3})
    assert kept.files == [(file, "rows.parquet")]


def test_without_the_package_the_run_goes_on_and_is_told_how_to_get_it(
    monkeypatch, tmp_path, capsys
):
    monkeypatch.delenv("WANDB_MODE", raising=False)
    monkeypatch.setattr(trackio_run, "find_spec", lambda name: None)
    tracker, _ = opened(tmp_path / "mine")
    tracker.log({"a": 1})
    tracker.log({"a": 2})
    tracker.finish()
    said = capsys.readouterr().err
    assert said.count("tracking stopped: trackio is not installed; `") == 1
    assert "install" in said
    assert tracker.place == ""


def test_a_misspelt_tracker_is_refused_with_the_nearest_name(cli, experiment):
    cli("validate", experiment(tracking__tracker="trakio")).refuses(
        "tracking.tracker", "did you mean 'trackio'", "wandb, trackio"
    )


def test_the_extra_holds_what_the_message_names():
    text = (ROOT / "pyproject.toml").read_text()
    assert f'trackio = ["{trackio_run.REQUIREMENT}"]' in text
