"""A metric, a task, a reward, a selection, a table and a figure of one's own, from end to end."""

import json

import pandas as pd
import pytest

import workbench as wb
from tests.conftest import write_experiment

PLUGIN = '''
"""Capitals, and how long their answers are."""
from workbench.analysis.aggregate import AGGREGATORS
from workbench.analysis.aggregate.aggregator import Aggregator
from workbench.analysis.figures import FIGURES, figure_of
from workbench.analysis.figures.drawing import explain_empty
from workbench.analysis.frames import Table
from workbench.analysis.tables import TABLES, TableSpec
from workbench.core.types import Problem
from workbench.metrics import METRICS, Metric
from workbench.rewards import REWARDS, Reward
from workbench.tasks import TASKS
from workbench.tasks.checkers import Checker
from workbench.tasks.task import Task

CAPITALS = {"France": "Paris", "Japan": "Tokyo", "Peru": "Lima", "Chad": "N'Djamena"}


def load(settings):
    asked = [Problem(land, f"The capital of {land}?", town) for land, town in CAPITALS.items()]
    return asked[: settings.num_problems]


def equal(gold, answer):
    return gold == answer


def undecided(gold, answer):
    return None


TASKS["capitals"] = Task(
    load=load, examples=lambda settings: [], check=lambda settings: None,
    instruction="Name the town.", summary="capitals of countries", hub=False,
    extract=lambda text, settings: (text.split()[-1], "last word"),
    checker=lambda settings: Checker(canonical=str.lower, equal=equal, quick=undecided),
)
METRICS["longest"] = Metric(
    fn=lambda num_tokens, subsets: FACTOR * num_tokens[subsets].max(axis=1),
    needs=("num_tokens", "subsets"), label="longest [tokens]", summary="the longest",
    larger_means="neither",
)
FACTOR, FIRST = 1.0, 0
REWARDS["brevity"] = Reward(
    summary="1 / tokens", is_log=False, fn=lambda rows: 1 / rows["num_output_tokens"].to_numpy(float)
)
AGGREGATORS["first"] = Aggregator(pick=lambda pool, subsets, told: FIRST + 0 * subsets[:, 0], summary="the first", needs=())


def lengths(data):
    """How many problems there are."""
    import pandas as pd

    return Table(pd.DataFrame({"problems": [len(data.problems)]}), ("a note",))


TABLES["lengths"] = TableSpec(make=lengths, needs="nothing")


def empty(run):
    """Nothing to see."""
    return explain_empty(run, "lengths")


FIGURES["empty"] = figure_of(empty)
'''  # noqa: E501

DRAW = """
import workbench.generate.replay as replay
def draw(request, settings):
    words = ["It", "is", "lima" if request.sample_index % 2 else "Tokyo"]
    return request.sampled(" ".join(words), "stop", (1,) * (request.sample_index + 1), (-0.5,) * (request.sample_index + 1))
replay._draw = draw
"""  # noqa: E501


@pytest.fixture(scope="module")
def made(cli, tmp_path_factory):
    """(experiment file, run) of a run that uses a plug-in of another folder in every way."""
    home = tmp_path_factory.mktemp("plugins")
    (home / "lab").mkdir()
    (home / "lab" / "capitals.py").write_text(PLUGIN)
    (home / "settings").mkdir()
    path = write_experiment(
        home / "settings" / "experiment.yaml",
        plugins=["../lab/capitals.py"],
        task={"name": "capitals", "prompt": "completion"},
        measure__metrics=["longest", "num_tokens"],
        scoring={"rewards": ["brevity"]},
        selection={"aggregators": ["first", "best", "maj"], "reward": "brevity"},
    )
    child = cli.must(
        "run", path, "--out", home / "run", before=DRAW,
        tables={"lengths", "empty"},
    )  # fmt: skip
    return path, home / "run", child


def test_every_kind_of_row_reaches_the_run(made):
    _, root, _ = made
    run = wb.load_run(root)
    scores = run.scores.sort_values(["problem_id", "temperature", "sample_index"])
    peru = scores[(scores["problem_id"] == "Peru") & (scores["temperature"] == 1.0)]
    assert peru["answer"].tolist() == ["Tokyo", "lima"] * 4  # compared in workers, by its checker
    assert peru["correct"].tolist() == [False, True] * 4
    assert peru["reward_brevity"].tolist() == pytest.approx([1 / n for n in range(1, 9)])
    subsets = run.subsets[run.subsets["temperature"] == 1.0]
    longest = [max(members) + 1 for members in subsets["members"]]
    assert subsets["longest"].tolist() == longest
    of_peru = subsets[subsets["problem_id"] == "Peru"]
    assert of_peru["first_correct"].tolist() == [m[0] % 2 == 1 for m in of_peru["members"]]
    assert run.table("lengths")["problems"].tolist() == [4]
    assert (root / "figures" / "empty.svg").exists()


def test_the_manifest_has_the_hash_and_the_folder_the_source(made):
    _, root, _ = made
    (entry,) = json.loads((root / "manifest.json").read_text())["plugins"]
    assert entry["name"].endswith("/lab/capitals.py")
    assert len(entry["sha256"]) == 64
    assert entry["adds"] == {
        "task": ["capitals"], "metric": ["longest"], "reward": ["brevity"],
        "aggregator": ["first"], "table": ["lengths"], "figure": ["empty"],
    }  # fmt: skip
    assert (root / "plugins" / "capitals.py").read_text() == PLUGIN


def test_a_folder_executes_nothing_until_its_plug_ins_are_named(made, cli, tmp_path):
    _, root, _ = made
    trap = tmp_path / "executed"
    source = root / "plugins" / "capitals.py"
    source.write_text(f"open({str(trap)!r}, 'w')\n" + PLUGIN)
    written = (root / "experiment.yaml").read_text()
    original = next(line for line in written.splitlines() if line.endswith("capitals.py"))
    (root / "experiment.yaml").write_text(written.replace(original, f"- {source}"))
    try:
        for command in (("show", root), ("show", root, "lengths"), ("report", root)):
            cli.must(*command)
        assert "lengths" in (root / "report.html").read_text()
        command = cli("measure", root)
        command.refuses("its plug-ins are executed only if you name them", f"plugins=[{source}]")
        assert not trap.exists()
        cli.must("measure", root, "--set", f"plugins=[{source}]")
        assert trap.exists()
    finally:
        source.write_text(PLUGIN)
        (root / "experiment.yaml").write_text(written)


def test_an_edited_metric_is_measured_again_and_nothing_is_drawn_or_scored_again(made, cli):
    path, root, _ = made
    before = pd.read_csv(root / "tables" / "lengths.csv")
    plugin = path.parent.parent / "lab" / "capitals.py"
    plugin.write_text(PLUGIN.replace("FIRST = 1.0", "FIRST = 2.0"))
    child = cli.must("run", path, "--out", root, before=DRAW, tables={"lengths", "empty"})
    assert "capitals.py has changed: what it made of this run is made again" in child.err
    assert "generate: all 68 samples are there" in child.err
    subsets = wb.load_run(root).subsets
    assert subsets["longest"].iloc[0] == 2 * (max(subsets["members"].iloc[0]) + 1)
    assert pd.read_csv(root / "tables" / "lengths.csv").equals(before)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"plugins": ["mine.py"], "measure__k": [20]},
         ["plugins: there is no file", "mine.py; did you mean 'mined.py'", "measure.k: subsets"]),
        ({"plugins": "mined.py"}, ["plugins: expected a list"]),
        ({"plugins": [3]}, ["plugins.0: expected a text"]),
        ({"plugins": ["mined.py"], "measure__metrics": ["no_such"]},
         ["plugins: ", "mined.py, line 1: ZeroDivisionError"]),
    ],
)  # fmt: skip
def test_validate_names_what_is_wrong_with_a_plug_in_among_all_faults(
    cli, tmp_path, settings, words
):
    (tmp_path / "mined.py").write_text("1 / 0\n")
    cli("validate", write_experiment(tmp_path / "e.yaml", **settings)).refuses(*words)


def test_two_plug_ins_of_one_file_name_are_refused(cli, tmp_path):
    (tmp_path / "other").mkdir()
    for name, path in (("a", "mine.py"), ("b", "other/mine.py")):
        row = f'METRICS["{name}"] = METRICS["num_tokens"]'
        (tmp_path / path).write_text(f"from workbench.metrics import METRICS\n{row}\n")
    path = write_experiment(tmp_path / "e.yaml", plugins=["mine.py", "other/mine.py"])
    cli("validate", path).refuses("plugins: 2 files are called mine.py", "rename one of them")


def test_an_import_knows_a_format_and_a_metric_of_ones_own(cli, tmp_path):
    (tmp_path / "shouted.py").write_text(
        PLUGIN
        + """
import json
from workbench.interchange.readers import FORMATS, Format

def read(path):
    for number, line in enumerate(path.read_text().splitlines()[1:], 1):
        question, gold, text = line.split("!")
        yield f"line {number}", {"problem_id": question, "gold": gold, "text": text}

FORMATS["shouted"] = Format(
    recognise=lambda file: True, read=read, suffixes=(".shout",), summary="shouted samples"
)
"""
    )
    (tmp_path / "samples.shout").write_text("SHOUTED\n" + "Two?!2!It is 2.\nTwo?!2!3\n" * 4)
    (tmp_path / "folder").mkdir()
    (tmp_path / "samples.shout").rename(tmp_path / "folder" / "samples.shout")
    child = cli.must(
        "import", tmp_path / "folder", "--out", tmp_path / "run",
        "--set", f"plugins=[{tmp_path}/shouted.py]", "--set", "measure.metrics=[distinct_1]",
    )  # fmt: skip
    assert len(wb.load_run(tmp_path / "run").samples) == 8
    assert child.out.endswith(
        f"workbench run {tmp_path}/run --set 'plugins=[{tmp_path}/shouted.py]'\n"
    )
    listed = cli.must("list", "--set", "plugins=[shouted.py]", cwd=tmp_path).out
    for row in ("shouted  ", "capitals  ", "longest  ", "brevity  ", "first  ", "lengths  "):
        assert f"\n{row}" in listed


@pytest.mark.parametrize("workers", [1, 2])
def test_a_metric_that_fails_is_one_message_with_its_line(cli, tmp_path, workers):
    (tmp_path / "bad.py").write_text(
        PLUGIN.replace("FACTOR * num_tokens[subsets]", "num_tokens[99]")
    )
    path = write_experiment(
        tmp_path / "e.yaml", plugins=["bad.py"], measure__metrics=["longest"],
    )  # fmt: skip
    child = cli("run", path, "--out", tmp_path / "run", "--workers", workers)
    child.refuses("bad.py, line 39: IndexError: index 99 is out of bounds")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("FIRST = 1.0, 0", "FIRST = 1.0, 9",
         ["aggregator 'first' must pick one position from 0 to 1"]),
        (".max(axis=1)", "",
         ["metric 'longest' gave an array of shape (5, 2) for 5 subsets of 2"]),
        ('"num_tokens", "subsets")', '"num_token", "subsets")',
         ["unknown need of metric 'longest' 'num_token'; did you mean 'num_tokens'?"]),
        ('["num_output_tokens"].to_numpy(float)', '.shape[1]',
         ["reward 'brevity' gave an array of shape ()"]),
    ],
)  # fmt: skip
def test_what_a_function_of_a_plug_in_returns_is_checked(cli, tmp_path, old, new, words):
    assert old in PLUGIN
    (tmp_path / "bad.py").write_text(PLUGIN.replace(old, new))
    path = write_experiment(
        tmp_path / "e.yaml", plugins=["bad.py"], measure__metrics=["longest"],
        scoring={"rewards": ["brevity"]},
        selection={"aggregators": ["first"], "reward": "brevity"},
    )  # fmt: skip
    cli("run", path, "--out", tmp_path / "run").refuses(*words)


def test_a_checker_that_no_worker_can_be_given_is_named(cli, tmp_path):
    bad = PLUGIN.replace("quick=undecided", "quick=lambda one, other: None")
    (tmp_path / "bad.py").write_text(bad)
    path = write_experiment(
        tmp_path / "e.yaml", plugins=["bad.py"], task={"name": "capitals", "prompt": "completion"}
    )
    child = cli("run", path, "--out", tmp_path / "run", before=DRAW)
    child.refuses("the task's checker cannot be sent to the processes", "no lambda")
