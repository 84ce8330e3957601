"""What the READMEs tell a reader to type, to open or to set is there, with those options."""

import importlib.util
import re
import shlex
from pathlib import Path

import pytest
import typer

import workbench as wb
from workbench.analysis.aggregate import AGGREGATORS
from workbench.cli.app import app
from workbench.cli.init import STARTER, new_folder
from workbench.config.schema import TaskSettings, experiment_to_dict
from workbench.config.size_estimate import size_estimate
from workbench.experiment import load_experiment
from workbench.metrics import METRICS
from workbench.tasks import TASKS
from workbench.tasks.checkers import CHECKERS
from workbench.tasks.chosen_comparison import chosen_options

ROOT = Path(__file__).parents[1]
FRONT = ROOT / "README.md"
EXPERIMENTS = ROOT / "experiments" / "README.md"
PAGES = [
    FRONT,
    *sorted(path for room in ("analysis", "experiments", "notebooks", "results", "workbench")
            for path in (ROOT / room).rglob("README.md")
            if "hub" not in path.parts and path.parent.parent.name != "results"),
]  # fmt: skip
SECTIONS = (
    "task", "generation", "scoring", "embedding", "measure", "selection", "analysis", "tracking",
    "training",
)  # fmt: skip


def name_of(page):
    return page.relative_to(ROOT).as_posix()


def code_of(page):
    """Every piece of code of a page: lines of its blocks, joined where they go on, and spans."""
    text = page.read_text()
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    rest = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return [*lines, *(" ".join(span.split()) for span in re.findall(r"`([^`]+)`", rest))]


def command_lines():
    """Yield (page, words behind ``workbench``) of every command line of a page or an experiment."""
    for page in PAGES:
        for code in code_of(page):
            found = re.match(r"(?:\$ |back +)?(?:\.venv/bin/)?workbench ([a-z].*)", code)
            if found:
                yield name_of(page), shlex.split(found[1], comments=True)
    for path in sorted((ROOT / "experiments").glob("*.yaml")):
        text = path.read_text().replace("\\\n#", " ")
        for line in re.findall(r"^# +workbench (.*)", text, re.MULTILINE):
            yield name_of(path), shlex.split(line, comments=True)


LINES = list(command_lines())
COMMANDS = typer.main.get_command(app).commands


def test_there_are_command_lines_to_check():
    assert len(LINES) > 40
    assert {words[0] for _, words in LINES} >= {"run", "import", "export", "compare", "vote"}


@pytest.mark.parametrize(
    ("page", "words"), LINES, ids=[f"{page}-{' '.join(words)[:60]}" for page, words in LINES]
)
def test_a_command_line_of_a_readme_is_one_that_runs(page, words):
    name, *args = words
    if "|" in name:
        return
    assert name in COMMANDS, f"{page} names a command that is not there"
    if args:  # a name alone speaks of the command
        COMMANDS[name].make_context(name, list(args))
    for arg in args:
        if arg.startswith("experiments/"):
            assert (ROOT / arg).exists(), f"{page}: there is no {arg}"


def test_every_command_is_shown_in_a_readme():
    assert COMMANDS.keys() <= {words[0] for _, words in LINES}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_targets_and_modules_that_a_readme_names_are_there(page):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for code in code_of(page):
        if found := re.match(r"make ([a-z-]+)", code):
            assert found[1] in targets, code
        if found := re.search(r"python -m ([\w.]+)", code):
            assert importlib.util.find_spec(found[1]), code


def anchors_of(page):
    """The anchors of a page's headings, as GitHub and GitLab make them."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ +(.*)", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_of_a_readme_leads_somewhere(page):
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text())
    assert links
    for link in links:
        path, _, anchor = link.partition("#")
        goal = (page.parent / path).resolve() if path else page
        assert goal.exists(), link
        assert not anchor or anchor in anchors_of(goal), link


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_setting_that_a_readme_names_is_one(page):
    shown = [
        "generation.turns=2", "generation.continue={}", "analysis.edit_distance=longer",
        "training.steps_1=100",
    ]  # fmt: skip
    path = ROOT / "experiments" / "test.yaml"  # with what is left out where it changes nothing
    tree = experiment_to_dict(load_experiment(path, shown, aggregators=AGGREGATORS))
    text = "\n".join(code_of(page))
    for setting in re.findall(rf"(?<![\w./])(?:{'|'.join(SECTIONS)})\.[a-z_.]+", text):
        if setting.endswith(
            (".py", ".yaml", ".json", ".interval_coverage", ".factor_coverage", "test.yaml")
        ):
            continue
        at = tree
        for key in setting.rstrip(".").split("."):
            if not isinstance(at, dict) or not at:  # whatever an engine or a task knows
                break
            assert key in at, setting
            at = at[key]


def test_the_front_page_is_short():
    lines = FRONT.read_text().splitlines()
    assert len(lines) <= 200


def part_of(name, page=FRONT):
    text = page.read_text()
    return text[text.index(f"<!-- {name} -->") : text.index(f"<!-- /{name} -->")]


def test_the_experiment_of_ones_own_is_one_and_its_answers_are_looked_for_in_texts(tmp_path):
    questions, experiment = re.findall(r"```\w+\n(.*?)```", part_of("own"), re.DOTALL)
    source = tmp_path / "own.jsonl"
    source.write_text(questions)
    file = tmp_path / "own.yaml"
    file.write_text(experiment.replace("own.jsonl", str(source)))
    loaded = load_experiment(file, aggregators=AGGREGATORS)
    assert len(experiment.splitlines()) <= 5
    assert len(TASKS["jsonl"].load(loaded.task)) == 2
    assert chosen_options(loaded.task)[0] == {"compare": "contains"}


def test_the_front_page_begins_with_a_folder_that_is_as_told_and_with_names_that_are_there(
    tmp_path,
):
    told = " ".join(FRONT.read_text().split())
    said = (
        "makes a folder to start from: an experiment, a file of questions and a metric of your own"
    )
    assert f"`workbench init my-study` {said}" in told
    new_folder(tmp_path / "my-study", STARTER)
    kinds = {path.suffix for path in (tmp_path / "my-study").iterdir()}
    assert kinds == {".yaml", ".jsonl", ".py"}
    named = re.findall(r"wb\.(\w+)", told)
    assert {"run", "load_run"} <= {*named} <= {*dir(wb)}


def rows_of(name, page=FRONT):
    """The cells of a table, its head left out."""
    table = part_of(name, page)
    lines = [line for line in table.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def settings_of(**options):
    numbers = options.pop("last_number", False)
    return TaskSettings(name="jsonl", source="own.jsonl", options=options, last_number=numbers)


@pytest.mark.parametrize("row", rows_of("comparisons", EXPERIMENTS), ids=lambda row: row[0])
def test_the_example_of_a_comparison_is_right(row):
    name, _, examples = row
    gold, text = re.findall(r"`([^`]+)`", examples)
    compare = name.strip("`")
    pattern = {"pattern": r"Score: (\d+)"} if compare == "regex" else {}
    settings = settings_of(compare=compare, **pattern)
    answer, rule = TASKS["jsonl"].extract(text, settings)
    checker = TASKS["jsonl"].checker(settings)
    assert rule != "none"
    assert checker.equal(gold, answer) is True
    assert checker.equal("Rome" if gold == "Paris" else f"9{gold}", answer) is False


def test_all_comparisons_have_their_row():
    assert {row[0].strip("`") for row in rows_of("comparisons", EXPERIMENTS)} == CHECKERS.keys()


PARTS = {
    "boxed": r"\boxed{1}",
    "hashes": "#### 2",
    "phrase": "The answer is 3.",
    "display": "Hence:\n$$4$$",
    "sentence": "The largest n is 5.",
    "last_number": "There were 6 of them",
    "whole": "Paris",
}
"""A text for each rule, in which no rule before it finds an answer."""


def test_the_rules_of_the_front_page_are_tried_in_the_order_told():
    assert [row[0].strip("`") for row in rows_of("answers")] == list(PARTS)
    settings = settings_of(compare="math", whole_text=True, last_number=True)
    extract = TASKS["jsonl"].extract
    for place, (rule, text) in enumerate(PARTS.items()):
        assert extract(text, settings)[1] == rule
        if rule not in ("display", "sentence", "whole"):  # which are about the end of a text
            later = "\n".join([*PARTS.values()][place:])
            assert extract(later, settings)[1] in (rule, "sentence")
    assert extract("There were 6", settings_of(compare="math"))[1] == "none"
    assert extract("Paris", settings_of(compare="contains"))[1] == "whole"
    assert extract("x" * 121, settings_of(compare="text", whole_text=True))[1] == "none"
    labels = settings_of(compare="text", labels=["yes", "no"])
    assert extract("Either, but not no: yes", labels) == ("yes", "label")


def test_the_study_is_as_large_as_the_front_page_says():
    experiment = load_experiment(ROOT / "experiments" / "math500_study.yaml")
    sizes = size_estimate(experiment, 200)
    text = FRONT.read_text()
    for number in ("51,400", "105,267,200"):
        assert number in sizes
        assert number in text
    hours = 51_400 * 500 / 5000 / 3600, 105_267_200 / 5000 / 3600
    assert [round(2 * value) / 2 for value in hours] == [1.5, 6.0]
    assert "| 1.5 at 5,000 tokens per second, 6 if" in text


def test_the_python_of_the_notebooks_page_runs(monkeypatch):
    monkeypatch.chdir(ROOT)
    text = (ROOT / "notebooks" / "README.md").read_text()
    code = text[text.index("<!-- python -->") :].split("```python\n")[1].split("```")[0]
    slow = [line for line in code.splitlines() if ".plot." in line or "measured_with" in line]
    names = {}
    exec("\n".join(line for line in code.splitlines() if line not in slow), names)
    run = names["run"]
    assert len(run.samples) == 1470
    # the notebooks' own tests draw and measure; here the names
    plot, measured = slow
    assert re.match(r"run\.plot\.(\w+)\(\)", plot)[1] in dir(run.plot)
    assert re.match(r'run\.measured_with\("(\w+)"\)', measured)[1] in METRICS
    assert callable(run.measured_with)
