import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.workbench.offline_wandb import payloads, read_offline, tree
from workbench.config.schema import Tracking
from workbench.storage.manifest import Manifest
from workbench.tracking.open_tracker import open_tracker
from workbench.tracking.wandb_run import ArtifactFiles, Tracker, one_type_per_column

FIGURES = ("accuracy_by_k", "coverage_curve")


@pytest.fixture(scope="module")
def tracked(cli, embedded, tmp_path_factory):
    """(run folder, what its offline W&B file holds): a finished run, analysed another way."""
    cli.load("wandb")
    folder = tmp_path_factory.mktemp("tracked") / "run"
    shutil.copytree(embedded[1], folder)
    settings = [
        "tracking.mode=auto", "tracking.group=hot", "tracking.tags=[a, b]",
        "tracking.job_type=sweep", "analysis.num_buckets=5",
    ]  # fmt: skip
    overrides = [word for setting in settings for word in ("--set", setting)]
    child = cli.must(
        "run", embedded[0], "--out", folder, *overrides, figures=FIGURES, tables=True, printed=True
    )
    assert "tracking stopped" not in child.err
    found = read_offline(folder)
    place = found["files"].parent
    assert f"W&B run  {place}" in child.out  # offline without being asked to be
    return folder, found


def test_every_table_is_in_the_offline_file_row_by_row(tracked):
    folder, found = tracked
    saved = {path.stem: path for path in (folder / "tables").glob("*.csv")}
    assert len(saved) >= 9
    for name, path in saved.items():
        (reference,) = found["history"][f"tables/{name}"]
        assert reference["_type"] == "table-file"
        logged = json.loads((found["files"] / reference["path"]).read_text())
        frame = pd.read_csv(path) if path.read_text().strip() else pd.DataFrame()
        assert logged["columns"] == list(frame.columns)
        assert len(logged["data"]) == len(frame) == reference["nrows"]
        # W&B writes JSON, where what is undefined is null
        rows = pd.DataFrame(logged["data"], columns=logged["columns"])
        for column in frame:
            expected, told = frame[column], rows[column]
            if pd.api.types.is_numeric_dtype(expected.dtype):
                np.testing.assert_allclose(pd.to_numeric(told), expected, rtol=1e-12)
            else:
                assert list(told) == list(expected)


def test_the_configuration_and_name_are_in_the_offline_file(tracked):
    folder, found = tracked
    assert found["config"]["generation"]["temperatures"] == [0.3, 1.0]
    assert found["config"]["measure"]["k"] == [2, 4]
    manifest = json.loads((folder / "manifest.json").read_text())
    assert found["run"].display_name == manifest["signature"]
    assert found["run"].run_group == "hot"
    assert found["run"].job_type == "sweep"
    assert list(found["run"].tags) == ["a", "b"]
    assert manifest["tracked"] == str(found["files"].parent)


def test_the_summary_holds_the_scalars_of_the_runs_table(tracked):
    folder, found = tracked
    table = pd.read_csv(folder / "tables" / "accuracy_by_k_temperature.csv")
    for row in table.to_dict("records"):
        for column, name in (
            ("maj_correct", "maj"),
            ("coverage", "pass"),
            ("best_correct", "best"),
        ):
            at = "mixed" if row["pool"] == "mixed" else f"T{row['temperature']:g}"
            scalar = found["summary"][f"{name}@{row['k']}/{at}"]
            assert scalar == pytest.approx(row[column])
    assert "maj@4/T0.3" in found["summary"]
    assert "maj@4/mixed" in found["summary"]


def test_diversity_and_what_became_of_the_samples_are_scalars_too(tracked):
    folder, found = tracked
    for name in ("cos_sim@4/T0.3", "cos_sim@4", "dpp_no_repeats@4/T1", "tokens/T1", "samples"):
        assert isinstance(found["summary"][name], float | int)
    statuses = pd.read_csv(folder / "tables" / "statuses.csv").set_index("temperature")
    share = statuses.loc[1.0, "no_answer"] / statuses.loc[1.0, "samples"]
    assert found["summary"]["status/no_answer/T1"] == pytest.approx(share)


def test_runs_can_be_grouped_by_plain_values(tracked):
    _, found = tracked
    assert found["config"]["temperatures"] == "0.3,1"
    assert found["config"]["model"] == "replay"
    assert found["config"]["task_name"] == "arithmetic"
    assert found["config"]["N"] == 8


def test_factors_are_columns_and_conditions_end_the_names_of_scalars(cli, finished, tmp_path):
    cli.load("wandb")
    settings = [
        "tracking.mode=offline", "generation.temperatures=[]", "generation.n=2", "measure.k=[2]",
        "generation.grid={temperature: [0.5, 1.5], min_p: [0, 0.1]}", "generation.top_p=0.9",
        "measure.metrics=[num_tokens]",
    ]  # fmt: skip
    changes = [word for setting in settings for word in ("--set", setting)]
    cli.must("run", finished[0], "--out", tmp_path / "run", *changes, tables=True)
    found = read_offline(tmp_path / "run")
    assert (found["config"]["min_p"], found["config"]["top_p"]) == ("0,0.1", 0.9)
    assert {"maj@2/T1.5-min_p0.1", "maj@2/T0.5", "num_tokens@2/T1.5-min_p0.1"} <= {
        *found["summary"]
    }
    assert "curve/T1.5-min_p0.1/maj@k" in found["history"]
    (reference,) = found["history"]["tables/conditions"]
    logged = json.loads((found["files"] / reference["path"]).read_text())
    rows = [dict(zip(logged["columns"], row, strict=True)) for row in logged["data"]]
    table = pd.read_csv(tmp_path / "run" / "tables" / "accuracy_by_k_temperature.csv")
    expected = table.query("condition == 'T1.5-min_p0.1'")["maj_correct"].item()
    (row,) = (row for row in rows if row["condition"] == "T1.5-min_p0.1")
    assert (row["temperature"], row["min_p"], row["maj@2"]) == (1.5, 0.1, pytest.approx(expected))


def test_curves_are_over_k(tracked):
    _, found = tracked
    assert found["history"]["k"] == [1, 2, 4, 8]
    assert len(found["history"]["curve/T0.3/maj@k"]) == 4
    assert len(found["history"]["curve/all/cos_sim@k"]) == 2  # of the sizes that were drawn


def test_figures_and_the_progress_of_a_stage_are_recorded(tracked):
    _, found = tracked
    for name in FIGURES:
        (picture,) = found["history"][f"figures/{name}"]
        assert (found["files"] / picture["path"]).read_bytes().startswith(b"\x89PNG")
    assert found["history"]["stage/analyze/seconds"][0] > 0  # of all stages in test_online.py


@pytest.mark.parametrize("kind", ["samples", "scores", "subsets"])
def test_the_rows_behind_the_tables_are_artifacts_of_whole_parquet_files(tracked, kind):
    folder, found = tracked
    artifact = found["artifacts"][kind]
    assert artifact.name == f"tested-{kind}"
    files = {path.name: path for path in (folder / kind).glob("*.parquet")}
    kept = {item.path: item for item in artifact.manifest.contents}
    assert json.loads(artifact.metadata)["files"] == len(kept) == 3
    assert set(kept) == set(files)
    for name, item in kept.items():
        assert Path(item.local_path).read_bytes() == files[name].read_bytes()
        # what a later run may write anew waits as a copy, inside the run's folder
        assert (Path(item.local_path) == files[name].resolve()) == (kind == "samples")
        assert Path(item.local_path).is_relative_to(folder.resolve())


def test_an_unchanged_run_opens_no_second_tracked_run(cli, tracked, embedded):
    folder, found = tracked
    cli.must("run", folder, "--out", folder, figures=FIGURES, tables=True)
    assert json.loads((folder / "manifest.json").read_text())["tracked"] == str(
        found["files"].parent
    )
    assert len(list(folder.glob("wandb/offline-run-*"))) == 1


def test_without_a_tracker_nothing_is_opened(monkeypatch, tmp_path):
    monkeypatch.delenv("WANDB_MODE", raising=False)
    assert open_tracker(
        Tracking(mode="disabled"), Manifest(tmp_path / "manifest.json"), "x", {}
    ).broken
    monkeypatch.setenv("WANDB_MODE", "disabled")
    tracker = open_tracker(Tracking(mode="online"), Manifest(tmp_path / "manifest.json"), "x", {})
    tracker.log({"a": 1})
    tracker.table("t", pd.DataFrame())
    tracker.summarize({})
    tracker.curves("k", [{"k": 1}])
    tracker.log_artifacts([ArtifactFiles("a", "samples", [tmp_path], {})])
    tracker.use_artifacts([ArtifactFiles("a", "samples", [tmp_path], {})])
    tracker.figure("f", tmp_path, str)
    tracker.finish()
    assert tracker.place == ""
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("key", "mode"), [("", "offline"), ("k" * 40, "online")])
def test_auto_is_online_only_where_there_is_a_key(monkeypatch, tmp_path, key, mode):
    monkeypatch.delenv("WANDB_MODE", raising=False)
    monkeypatch.setenv("WANDB_API_KEY", key)
    tracker = open_tracker(Tracking(), Manifest(tmp_path / "manifest.json"), "x", {})
    assert tracker.options["mode"] == mode


@pytest.mark.parametrize("mode", ["online", "offline", "disabled"])
def test_the_mode_is_the_environment_s_before_the_experiment_s(monkeypatch, tmp_path, mode):
    def opened(settings):
        tracker = open_tracker(settings, Manifest(tmp_path / "manifest.json"), "x", {})
        return tracker.options.get("mode", "disabled")

    monkeypatch.delenv("WANDB_MODE", raising=False)
    assert opened(Tracking(mode=mode)) == mode
    monkeypatch.setenv("WANDB_MODE", mode)
    assert opened(Tracking(mode="offline" if mode == "online" else "online")) == mode


def test_trouble_with_the_tracker_is_said_once_and_fails_nothing(capsys):
    class Broken:
        def log(self, values):
            raise RuntimeError("the disk of the tracker\nis on fire")

    tracker = Tracker({"mode": "offline"})
    tracker.run = Broken()
    tracker.log({"a": 1})
    tracker.log({"a": 2})
    tracker.finish()
    said = capsys.readouterr().err
    assert said == "tracking stopped: the disk of the tracker; the run goes on without it\n"


OFFLINE = """
from pathlib import Path
from workbench.config.schema import Tracking
from workbench.storage.manifest import Manifest
from workbench.tracking.open_tracker import open_tracker
from workbench.tracking.wandb_run import ArtifactFiles
tracker = open_tracker(Tracking(mode="offline"), Manifest(Path("manifest.json")), "direct", {{}})
tracker.figure("drawn", Path({picture!r}), lambda: "<html>a chart</html>")
used = ArtifactFiles("other-samples", "samples", [Path({picture!r})], {{"rows": 3}})
tracker.use_artifacts([used])
tracker.finish()
assert not tracker.broken
"""


def test_pages_and_inputs_are_recorded_offline(cli, tracked, tmp_path):
    from wandb.proto import wandb_internal_pb2 as records

    picture = tracked[0] / "figures" / "accuracy_by_k.png"
    cli.must("--version", before=OFFLINE.format(picture=str(picture)), cwd=tmp_path)
    (file,) = tmp_path.glob("wandb/offline-run-*/*.wandb")
    found = [records.Record.FromString(payload) for payload in payloads(file.read_bytes())]
    (row,) = [tree(record.history.item) for record in found if record.HasField("history")]
    page = row["charts/drawn"]
    assert (file.parent / "files" / page["path"]).read_text() == "<html>a chart</html>"
    assert row["figures/drawn"]["_type"] == "image-file"
    (used,) = [record.artifact for record in found if record.HasField("artifact")]
    assert used.name == "other-samples"
    assert used.use_after_commit  # an input, once `wandb sync` has found its version
    assert json.loads(used.metadata) == {"rows": 3}


def test_a_run_goes_on_when_the_tracker_cannot_be_opened(cli, copied):
    path, folder = copied
    broken = """
import sys, types
module = types.ModuleType("wandb")
module.Settings = dict
def init(**options):
    raise RuntimeError("no room for a tracker")
module.init = init
sys.modules["wandb"] = module
"""
    change = ("--set", "tracking.mode=offline", "--set", "analysis.num_buckets=5")
    child = cli.must("run", path, "--out", folder, *change, before=broken, tables=())
    assert child.err.count("no room for a tracker") == 1


def test_each_column_is_given_one_type():
    frame = pd.DataFrame(
        {
            "int": [1, 2],
            "float": [0.5, np.nan],
            "bool": [True, False],
            "text": ["a", None],
            "mixed": ["a", 1.5],
        }
    )
    found = one_type_per_column(frame)
    assert found["int"].dtype == float
    assert found["float"].isna().tolist() == [False, True]
    assert found["bool"].tolist() == [True, False]
    assert found["text"].tolist() == ["a", ""]
    assert found["mixed"].tolist() == ["a", "1.5"]
    assert frame["int"].dtype == int  # the table itself is as it was
