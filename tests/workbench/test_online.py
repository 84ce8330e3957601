import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

from tests.workbench.wandb_server import ENTITY, Server
from workbench.core.types import STAGES

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", autouse=True)
def loaded(cli):
    cli.load("workbench.tracking.dashboard")  # and wandb: two seconds of every command line


@pytest.fixture(scope="module")
def server():
    server = Server()
    yield server
    server.close()


@pytest.fixture
def broken():
    server = Server()
    yield server
    server.close()


def env(server, **more):
    """Python that puts a server, and what else is given, into a child's environment."""
    return f"import os; os.environ.update({server.env | more!r})\n"


@pytest.fixture(scope="module")
def arrived(cli, server, finished, tmp_path_factory):
    """(run folder, what the server holds of its run)."""
    folder = tmp_path_factory.mktemp("online") / "run"
    shutil.copytree(finished[1], folder)
    settings = ["tracking.mode=auto", "tracking.tags=[hot]", "analysis.num_buckets=5"]
    words = [word for setting in settings for word in ("--set", setting)]
    child = cli.must(
        "run", finished[0], "--out", folder, *words, before=env(server), tables=True, printed=True
    )
    assert "tracking stopped" not in child.err
    ((name, run),) = server.runs.items()
    assert f"W&B run  {server.url}/{ENTITY}/workbench/runs/{name}" in child.out
    assert run["exitcode"] == 0
    return folder, run


def test_nothing_was_asked_that_the_server_does_not_know(arrived, server):
    assert not server.unknown


def test_configuration_name_and_tags_arrive(arrived):
    folder, run = arrived
    config = {name: item["value"] for name, item in run["config"].items()}
    assert config["generation"]["temperatures"] == [0.3, 1.0]
    assert {name: config[name] for name in ("task_name", "model", "temperatures", "N")} == {
        "task_name": "arithmetic", "model": "replay", "temperatures": "0.3,1", "N": 8,
    }  # fmt: skip
    assert run["display_name"] == json.loads((folder / "manifest.json").read_text())["signature"]
    assert run["tags"] == ["hot"]
    assert run["project"] == "workbench"


def test_scalars_arrive_and_curves_have_k_as_their_axis(arrived):
    folder, run = arrived
    table = pd.read_csv(folder / "tables" / "accuracy_by_k_temperature.csv")
    for row in table[table["pool"] == "one T"].to_dict("records"):
        at = f"@{row['k']}/T{row['temperature']:g}"
        assert run["summary"][f"maj{at}"] == pytest.approx(row["maj_correct"])
        assert f"distinct_2{at}" in run["summary"]
    assert not [name for name in run["summary"] if name.startswith("curve/")]  # only in panels
    exact = pd.read_csv(folder / "tables" / "coverage_curve.csv").set_index(["temperature", "k"])
    rows = {row["k"]: row for row in run["history"].values() if "k" in row}
    assert list(rows) == [1, 2, 4, 8]
    hot = {row["temperature"]: row for row in run["history"].values() if "temperature" in row}
    assert list(hot) == [0, 0.3, 1]
    for temperature in (0.3, 1):
        scalar = run["summary"][f"maj@4/T{temperature:g}"]
        assert hot[temperature]["by_temperature/maj@4"] == scalar
    for k, row in rows.items():
        assert row["curve/T0.3/pass@k"] == pytest.approx(exact.loc[(0.3, k), "pass@k"])
        assert row["curve/T0.3/pass@k/low"] == pytest.approx(exact.loc[(0.3, k), "pass@k_low"])
    metrics = run["config"]["_wandb"]["value"]["m"]  # "5" is the place of the step metric, from 1
    axis = {
        one["1"].replace("\\.", "."): metrics[one["5"] - 1]["1"] for one in metrics if "5" in one
    }
    curves = {name for row in rows.values() for name in row if name.startswith("curve/")}
    assert len(curves) > 10
    assert {name: axis.get(name) for name in curves} == dict.fromkeys(curves, "k")
    for name in ("temperature", "tokens"):
        drawn = {one for row in run["history"].values() for one in row if f"by_{name}/" in one}
        assert len(drawn) > 4
        assert {axis.get(one) for one in drawn} == {name}


def test_tables_arrive_whole(arrived, server):
    folder, run = arrived
    names = [path.stem for path in (folder / "tables").glob("*.csv")]
    for name in names:
        (place,) = [row[f"tables/{name}"] for row in run["history"].values()
                    if f"tables/{name}" in row]  # fmt: skip
        sent = json.loads(server.stored[f"{run['name']}/{place['path']}"])
        path = folder / "tables" / f"{name}.csv"
        frame = pd.read_csv(path) if path.read_text().strip() else pd.DataFrame()
        assert len(sent["data"]) == len(frame) == place["nrows"]
        assert sent["columns"] == list(frame.columns)


def test_artifacts_arrive_with_their_lineage(arrived, server):
    folder, run = arrived
    found = {one["type"]: (number, one) for number, one in server.artifacts.items()}
    before = None
    for kind in ("samples", "scores", "subsets", "tables"):
        number, one = found[kind]
        assert one["name"] == f"tested-{kind}"
        assert one["state"] == "COMMITTED"
        assert one["run"] == run["name"]  # its output
        assert one["metadata"].get("made_from") == before
        assert ((run["name"], number) in server.used) == (kind != "tables")  # and its input
        kept = {path.name: path for path in (folder / kind).iterdir() if path.suffix != ".journal"}
        listed = json.loads(server.stored[f"{number}/manifest"])["contents"]
        assert set(listed) == set(kept)
        for name, path in kept.items():
            assert server.stored[f"{number}/{name}"] == path.read_bytes()
        before = one["name"]
    stages = json.loads((folder / "manifest.json").read_text())["stages"]
    metadata = found["scores"][1]["metadata"]
    assert metadata["fingerprint"] == stages["score"]["fingerprint"]
    assert metadata["rows"] == 12 * (8 + 8 + 1)
    assert metadata["signature"] == run["display_name"]


def refuse(status):
    def trouble(handler, what):
        handler.reply({"errors": [{"message": f"made to fail: {status}"}]}, status)
        return True

    return trouble


def drop(handler, what):
    """Let a run begin, then hang up on all it says."""
    if what in ("Viewer", "RunResumeStatus", "UpsertBucket", "ServerFeaturesQuery"):
        return False
    handler.close_connection = True
    handler.connection.close()
    return True


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (refuse(401), "401"),  # a wrong key: told at once
        (refuse(500), "deadline exceeded"),  # never comes up: given up after the start's patience
        (drop, "too slowly"),  # half-way: the rest is in the folder, for `wandb sync`
    ],
    ids=["401", "500", "dropped"],
)
def test_a_server_in_trouble_fails_no_run(cli, copied, broken, trouble, said):
    path, folder = copied
    broken.trouble = trouble
    change = ("--set", "tracking.mode=online", "--set", "analysis.num_buckets=5")
    patience = {"WANDB_INIT_TIMEOUT": "3", "WANDB_FINISH_TIMEOUT": "1", "WANDB_HTTP_TIMEOUT": "2"}
    child = cli.must("run", path, "--out", folder, *change, before=env(broken, **patience),
                     tables=["bucket"])  # fmt: skip
    assert broken.operations  # it was asked
    (told,) = [line for line in child.err.splitlines() if line.startswith("tracking stopped")]
    assert said in told
    assert "Traceback" not in child.err
    assert (folder / "tables" / "bucket.csv").exists()
    assert (
        json.loads((folder / "manifest.json").read_text())["stages"]["analyze"]["status"] == "done"
    )
    if trouble is drop:
        assert list(folder.glob("wandb/run-*/*.wandb"))


@pytest.mark.parametrize("name", ["temperature", "prompt"])
def test_a_run_that_a_sweep_s_agent_starts_is_the_agent_s(cli, server, experiment, tmp_path, name):
    from wandb.sdk.launch.sweeps.utils import create_sweep_command_args

    sweep = yaml.safe_load((ROOT / "experiments" / "sweeps" / f"{name}.yaml").read_text())
    assert (ROOT / sweep["command"][2]).exists()
    args = {key: {"value": one["values"][-1]} for key, one in sweep["parameters"].items()}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump({"wandb_version": 1, **args}))
    words = create_sweep_command_args({"args": args})["args_no_hyphens"]
    small = experiment(
        tracking__mode="auto", task__num_problems=3, generation__n=4, measure__k=[2],
        measure__metrics=["distinct_texts"], selection__aggregators=["maj"],
    )  # fmt: skip
    command = [*sweep["command"][1:2], small, *words]
    sets = {
        "WANDB_RUN_ID": f"run-{name}", "WANDB_SWEEP_ID": "s1", "WANDB_PROJECT": "swept",
        "WANDB_SWEEP_PARAM_PATH": str(tmp_path / "params.yaml"), "WANDB_DIR": str(tmp_path),
    }  # fmt: skip
    child = cli.must(*command, cwd=tmp_path, before=env(server, **sets), tables=())
    assert "tracking stopped" not in child.err
    folder = tmp_path / "results" / "tested-s1" / f"run-{name}"
    assert (folder / "tables" / "accuracy_by_k.csv").exists()
    run = server.runs[f"run-{name}"]
    assert run["sweep"] == "s1"
    assert run["project"] == "swept"
    assert run["group"] == "sweep-s1"
    assert run["display_name"].startswith("arithmetic|replay|")
    for key, one in args.items():  # as the agent gave it, and as the workbench took it
        assert run["config"][key]["value"] == one["value"]
        section, setting = key.split(".")
        assert run["config"][section]["value"][setting] == yaml.safe_load(str(one["value"]))
    assert sweep["metric"]["name"].replace("@8", "@2") in run["summary"]
    logged = {name: value for row in run["history"].values() for name, value in row.items()}
    assert all(logged[f"stage/{stage}/seconds"] > 0 for stage in STAGES)


def test_a_dashboard_is_saved_of_what_the_runs_hold(cli, arrived, server):
    before = env(server)
    child = cli.must("dashboard", before=before)
    saved = {one["type"]: one for one in server.views}
    assert set(saved) == {"project-view", "runs"}
    for one in saved.values():
        assert one["projectName"] == "workbench"
        assert one["entityName"] == ENTITY
        assert "curve/all/maj@k" in one["spec"]
        assert "summary:distinct_2@4" in one["spec"]
        assert "by_temperature/distinct_2@4" in one["spec"]
        assert "by_tokens/maj/T0.3" in one["spec"]
    assert child.out.count(f"{server.url}/{ENTITY}/workbench") == 2
    cli(
        "dashboard", "--entity", "nobody", before=before + "del os.environ['WANDB_API_KEY']"
    ).refuses("nobody is logged in", "wandb login", "WANDB_API_KEY")


def test_a_dashboard_that_is_refused_says_so(cli, broken):
    cli("dashboard", "--project", "mine", before=env(broken)).refuses("none of the project's runs")
    broken.trouble = refuse(403)
    cli("dashboard", "--project", "mine", before=env(broken)).refuses("/mine", "project and entity")
