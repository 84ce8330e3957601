"""Bad input and bad luck: a clear error in a line or two, an exit code, and nothing lost."""

import json
import shutil
import signal

import pyarrow.parquet as pq
import pytest
import yaml

STAGES = ("generate", "score", "measure", "analyze")
GOOD = '{"id": "a", "problem": "What is 1 + 1?", "gold": "2"}\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["holds no problems"]),
        ("\n\n", ["holds no problems"]),
        (GOOD + "{not json\n", ["line 2", "not JSON", "column 2"]),
        (GOOD + "[1, 2]\n", ["line 2", "JSON object", "list"]),
        (GOOD + '{"id": "b", "problem": "What?"}\n', ["line 2", "no known answer", "'gold'"]),
        (GOOD + '{"id": "b", "problem": "What?", "gold": ""}\n', ["line 2", "'gold' is empty"]),
        (GOOD + '{"id": "b", "gold": "2"}\n', ["line 2", "no question"]),
        (GOOD + GOOD, ["line 2", "'a'", "line 1"]),
    ],
)
def test_a_bad_problem_file_is_refused_before_anything_is_drawn(
    cli, experiment, tmp_path, text, words
):
    source = tmp_path / "problems.jsonl"
    source.write_text(text)
    path = experiment(task__name="math500", task__source=str(source), task__num_problems=None)
    commands = [["validate", path]]
    if not text.strip():  # both read the file in the same way
        commands.append(["run", path, "--out", tmp_path / "run"])
    for command in commands:
        cli(*command).refuses(str(source), *words)
    assert not list(tmp_path.rglob("block-*"))


def test_a_missing_problem_file_is_refused(cli, experiment, tmp_path):
    path = experiment(task__name="math500", task__source="./no/such.jsonl", task__num_problems=None)
    for command in (["validate", path], ["run", path, "--out", tmp_path / "run"]):
        child = cli(*command)
        assert child.code == 1
        assert "task.source: there is no file no/such.jsonl" in child.err
        assert "Traceback" not in child.err


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"task__name": "gsm8k"},
            ["openai/gsm8k", "task.source to a local JSONL file", "task.options.train"],
        ),
        (
            {"task__name": "math500", "task__source": "owner/none"},
            ["owner/none", "task.source to a local JSONL file", "'problem' and 'answer'"],
        ),
        (
            {"generation__model": "owner/none", "generation__backend": "transformers"},
            ["model 'owner/none'", "local folder", "hf download owner/none"],
        ),
        (
            {"embedding__model": "owner/none", "measure__metrics": ["cos_sim"]},
            ["encoder 'owner/none'", "local folder", "hf download owner/none"],
        ),
    ],
)
def test_a_hub_that_cannot_be_reached_says_how_to_do_without(
    cli, experiment, tmp_path, changes, words
):
    """The tests' command line is offline: see conftest.py."""
    path = experiment(**changes)
    cli("run", path, "--out", tmp_path / "run").refuses("from the hub", *words)


def test_a_model_of_which_the_cache_holds_only_a_part_is_refused(cli, experiment, tmp_path):
    commit = "0123456789abcdef0123456789abcdef01234567"
    snapshot = tmp_path / "hub" / "models--owner--half" / "snapshots" / commit
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text('{"model_type": "llama"}')
    (tmp_path / "hub" / "models--owner--half" / "refs").mkdir()
    (tmp_path / "hub" / "models--owner--half" / "refs" / "main").write_text(commit)
    path = experiment(generation__model="owner/half", generation__backend="transformers")
    cache = f"""
import huggingface_hub.constants, transformers.utils.hub
huggingface_hub.constants.HF_HUB_CACHE = {str(tmp_path / "hub")!r}
"""
    cli("run", path, "--out", tmp_path / "run", before=cache).refuses(
        "owner/half does not appear to have", "local folder", "kept"
    )


@pytest.mark.parametrize("section", ["generation", "embedding"])
def test_a_model_folder_that_does_not_exist_is_refused_before_sampling(
    cli, experiment, tmp_path, section
):
    path = experiment(
        generation__backend="transformers", **{f"{section}__model": str(tmp_path / "no-model")}
    )
    for command in (["validate", path], ["run", path, "--out", tmp_path / "run"]):
        child = cli(*command)
        assert child.code == 1
        assert f"{section}.model: there is no folder {tmp_path / 'no-model'}" in child.err
        assert "Traceback" not in child.err
    assert not (tmp_path / "run").exists()


def test_a_folder_that_cannot_be_made_is_refused(cli, finished, tmp_path):
    (tmp_path / "file").write_text("in the way")
    cli("run", finished[0], "--out", tmp_path / "file" / "run").refuses(
        "Not a directory", str(tmp_path / "file" / "run"), "--out"
    )
    cli("run", finished[0], "--out", tmp_path / "file").refuses(str(tmp_path / "file"), "--out")


def test_a_disk_without_room_keeps_what_is_there(cli, experiment, rows_of, tmp_path):
    path, folder = experiment(), tmp_path / "run"
    # Files may not grow beyond 20,000 bytes: the kernel cuts a line short and refuses the rest.
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\n"
    cli("run", path, "--out", folder, before=limit).refuses("kept")
    journal = folder / "samples" / "block-00000.journal"
    assert not journal.read_bytes().endswith(b"\n"), "no line was cut, so nothing is proved"
    kept = rows_of(folder)
    assert len(kept) > 20
    cli.must("generate", path, "--out", folder)
    now = rows_of(folder)
    assert len(now) == 204
    assert {key: now[key] for key in kept} == kept


def test_a_full_disk_is_said_at_every_stage(cli, experiment, rows_of, tmp_path):
    path, folder = experiment(), tmp_path / "run"
    full = """
import errno, os, workbench.storage.parquet as store
import workbench.analysis.report as report
real = store.write_atomically
def full(path, write):
    if path.parent.name == {table!r}:
        raise OSError(errno.{error}, os.strerror(errno.{error}), str(path))
    return real(path, write)
store.write_atomically = report.write_atomically = full
"""
    said = {"ENOSPC": "disk is full", "EDQUOT": "quota"}
    for table, error in (
        ("samples", "ENOSPC"), ("samples", "EDQUOT"), ("scores", "ENOSPC"), ("subsets", "ENOSPC"),
        ("tables", "ENOSPC"),
    ):  # fmt: skip
        # each goes on where the one before was stopped
        child = cli("run", path, "--out", folder, before=full.format(table=table, error=error))
        child.refuses(said[error], table, "same command again")
        assert len(rows_of(folder)) == 204
    cli.must("run", path, "--out", folder, tables=())


def flip(path, column):
    """Change a bit of a column's last page: the header of a page has bits that do not matter."""
    group = pq.ParquetFile(path).metadata.row_group(0)
    chunks = map(group.column, range(group.num_columns))
    (chunk,) = [chunk for chunk in chunks if chunk.path_in_schema.split(".")[0] == column]
    start = chunk.dictionary_page_offset or chunk.data_page_offset
    data = bytearray(path.read_bytes())
    data[start + chunk.total_compressed_size - 1] ^= 0x10
    path.write_bytes(data)


@pytest.mark.parametrize("column", ["condition", "completion", "token_logprobs", "seed"])
def test_a_flipped_bit_in_samples_is_named_and_refused(cli, copied, column):
    path, folder = copied
    shard = folder / "samples" / "block-00001.000.parquet"
    flip(shard, column)
    # though all stages are up to date
    cli("run", path, "--out", folder).refuses(f"{shard} is damaged", "restore", "delete")


def test_truncated_samples_are_named_refused_and_drawn_again_on_request(
    cli, copied, rows_of, tables_of
):
    path, folder = copied
    before, tables = rows_of(folder), tables_of(folder)
    shard = folder / "samples" / "block-00001.000.parquet"
    whole = shard.read_bytes()
    for size, stages in ((0, ["run"]), (100, ["run"]), (-1, ["run", "generate", "score"])):
        shard.write_bytes(whole[:size])
        for stage in stages:
            cli(stage, path, "--out", folder).refuses(f"{shard} is damaged", "restore", "delete")
    shard.unlink()  # the second of the two ways out
    cli.must("run", path, "--out", folder, tables=["pruning"])
    assert rows_of(folder) == before
    assert tables_of(folder) == tables


@pytest.mark.parametrize(
    ("table", "damage"),
    [
        ("scores", "flip"), ("scores", "cut"), ("scores", "empty"), ("embeddings", "flip"),
        ("subsets", "cut"), ("expectations", "empty"),
    ],
)  # fmt: skip
def test_a_damaged_derived_shard_is_named_and_made_again(
    cli, embedded, tables_of, table, damage, tmp_path
):
    path, folder = embedded[0], tmp_path / "run"
    shutil.copytree(embedded[1], folder)
    tables = tables_of(folder)
    shard = folder / table / "block-00001.parquet"
    before = shard.read_bytes()
    if damage == "flip":
        flip(shard, "status" if table == "scores" else "embedding")
    else:
        shard.write_bytes(before[: len(before) // 2] if damage == "cut" else b"")
    child = cli.must("run", path, "--out", folder, tables=["pruning"])
    assert f"{shard} is damaged and is made again" in child.err
    assert shard.read_bytes() == before
    assert tables_of(folder) == tables


def test_a_damaged_manifest_is_named(cli, copied):
    path, folder = copied
    (folder / "manifest.json").write_text('{"stages": ')
    cli("run", path, "--out", folder).refuses(f"{folder / 'manifest.json'} is damaged")


def test_damaged_problems_are_named(cli, copied):
    path, folder = copied
    (folder / "problems.jsonl").write_text('{"id": "problem-0", "ques')
    cli("run", path, "--out", folder).refuses("problems.jsonl, line 1", "damaged")
    (folder / "problems.jsonl").write_text("[]\n")
    cli("run", path, "--out", folder).refuses("problems.jsonl, line 1", "damaged")


def test_a_nan_log_probability_is_refused_and_the_rest_is_kept(cli, experiment, rows_of, tmp_path):
    path, folder = experiment(), tmp_path / "run"
    nan = """
import dataclasses, workbench.generate.replay as replay
real = replay._draw
def draw(request, settings):
    sample = real(request, settings)
    if request.problem_id != "problem-3":
        return sample
    return dataclasses.replace(sample, token_logprobs=(float("nan"), *sample.token_logprobs[1:]))
replay._draw = draw
"""
    child = cli("run", path, "--out", folder, before=nan)
    child.refuses("NaN log-probability", "problem-3", "temperature 0.0", "sample 0", "kept")
    assert len(rows_of(folder)) == 3 * 17
    cli.must("generate", path, "--out", folder)  # mended
    assert len(rows_of(folder)) == 204


def test_a_second_process_on_one_run_is_refused(cli, experiment, rows_of, tmp_path):
    path, folder = experiment(generation__engine={"seconds_per_sample": 0.01}), tmp_path / "run"
    first = cli.start("run", path, "--out", folder)
    first.until(lambda: rows_of(folder))
    for stage in ("run", "score", "analyze"):
        cli(stage, path, "--out", folder).refuses("another process", str(folder), "--out")
    first.stop(signal.SIGTERM)
    cli.must("score", path, "--out", folder)  # the lock went with its holder


def test_a_request_to_stop_keeps_what_is_finished(cli, experiment, rows_of, tmp_path):
    path, folder = experiment(), tmp_path / "run"
    slowly = {
        "generate": "import workbench.generate.replay as m; f = m._draw\n"
        "def g(*a): time.sleep(0.01); return f(*a)\nm._draw = g",
        "measure": "import workbench.measure.stage as m; f = m.measure_subsets\n"
        "def g(*a): time.sleep(0.05); return f(*a)\nm.measure_subsets = g",
    }
    kept = {}
    for stage, number, code, times in (  # each goes on where the one before was stopped
        ("generate", signal.SIGINT, 130, 1), ("generate", signal.SIGTERM, 143, 2),
        ("measure", signal.SIGINT, 130, 1), ("measure", signal.SIGTERM, 143, 2),
    ):  # fmt: skip
        child = cli.start("run", path, "--out", folder, before="import time\n" + slowly[stage])
        if stage == "generate":
            enough = len(kept) + 10
            child.until(lambda enough=enough: len(rows_of(folder)) > enough)
        else:
            child.until(lambda: entry(folder, "measure").get("status") == "running")
        child.stop(number)
        assert child.code == code
        assert "Traceback" not in child.err
        assert child.err.strip().splitlines()[-1].startswith("stopped; what is finished is kept")
        assert entry(folder, stage)["status"] == "interrupted"
        assert entry(folder, stage)["interruptions"] == times
        now = rows_of(folder)
        assert {key: now[key] for key in kept} == kept
        assert len(now) > len(kept) or stage == "measure"
        kept = now
    cli.must("run", path, "--out", folder, tables=())
    now = rows_of(folder)
    assert {key: now[key] for key in kept} == kept
    assert len(now) == 204


def entry(folder, stage):
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text()) if path.exists() else {}
    return manifest.get("stages", {}).get(stage, {})


def test_an_experiment_with_several_faults_names_them_all(cli, experiment, tmp_path):
    tree = yaml.safe_load(experiment().read_text())
    tree["measure"]["k"] = [2, 99]
    tree["generation"]["temprature"] = 1
    path = tmp_path / "bad.yaml"
    path.write_text(yaml.safe_dump(tree))
    child = cli("validate", path)
    assert child.code == 1
    for words in (str(path), "generation.temprature", "temperatures", "measure.k", "99", "got 8"):
        assert words in child.err
    assert "Traceback" not in child.err
