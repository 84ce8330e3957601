"""Samples of named conditions: a person's own files, and what a run of a grid exports."""

import json

import pytest

from tests.conftest import EXPERIMENT
from workbench.analysis.aggregate import AGGREGATORS
from workbench.analysis.tables import TABLES
from workbench.cli.run_stages import run_stages
from workbench.core.types import STAGES
from workbench.experiment import check_experiment, load_experiment
from workbench.generate.imported import refuse_more
from workbench.interchange.exporter import export_run
from workbench.interchange.importer import import_file
from workbench.interchange.sample_files import SampleFiles
from workbench.interchange.writers import EXPORTS
from workbench.saved_run import Run

CHEAP = ("measure.metrics=[distinct_1, distinct_texts]", "selection.aggregators=[maj]")


def bring(path, root, *where):
    source = SampleFiles.from_options([path], where=where)
    return import_file(source, root, AGGREGATORS, "integer", overrides=CHEAP)


def file_of(tmp_path, *kinds, n=2):
    """A file of two problems: of each kind, which is some columns, n samples."""
    rows = [
        {"problem_id": f"p{p}", "gold": str(p), "text": f"It is {i}.", "answer": str(i),
         "sample_index": i, "temperature": 1.0, **kind}
        for p in range(2) for kind in kinds for i in range(n)
    ]  # fmt: skip
    path = tmp_path / "samples.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_pools_that_differ_in_their_condition_alone_stay_apart(tmp_path):
    kinds = [
        {},
        {"condition": "more steps", "min_p": 0.1, "max_tokens": 20},
        {"condition": "hot", "temperature": 2.0, "min_p": 0.1, "top_k": 40.0},
        {"condition": "T1"},  # what it would be called anyway
    ]
    path = file_of(tmp_path, *kinds[:3])
    said = bring(path, tmp_path / "run")
    assert "temperatures  1\n" in said
    assert "conditions    more_steps (temperature 1, " in said
    assert "pools         6 of 2 samples" in said
    run = Run(tmp_path / "run")
    counts = run.samples.groupby("condition", observed=True).size().to_dict()
    assert counts == {"T1": 4, "more_steps": 4, "hot": 4}
    drawn = run.experiment.generation
    assert drawn.temperatures == (1.0,)
    steps, hot = ({k: v for k, v in one.items()} for one in drawn.conditions)
    assert steps == {"name": "more_steps", "temperature": 1.0, "min_p": 0.1, "max_tokens": 20}
    assert hot == {"name": "hot", "temperature": 2.0, "min_p": 0.1, "top_k": 40}
    levels = run.samples.groupby("condition", observed=True)[["temperature", "min_p"]].first()
    assert levels.loc["more_steps"].tolist() == [1.0, 0.1]
    assert levels.loc["T1"].tolist() == [1.0, 0.0]
    assert load_experiment(run.root / "experiment.yaml") == run.experiment

    apart = bring(file_of(tmp_path, kinds[0], kinds[1]), tmp_path / "two")
    assert "pools         4 of 2 samples" in apart
    with pytest.raises(ValueError, match=r"sample 0 of 'p0' at temperature 1 is also at line 1"):
        bring(file_of(tmp_path, kinds[0], kinds[3]), tmp_path / "twice")
    with pytest.raises(ValueError, match=r"sample 0 of 'p0' in condition hot is also at line 1"):
        bring(file_of(tmp_path, kinds[2], kinds[2]), tmp_path / "again")


@pytest.mark.parametrize(
    ("kinds", "said"),
    [
        ([{"condition": "a"}, {"condition": "a", "temperature": 2.0}], "'a' is at temperature 2 h"),
        ([{"condition": "a b"}, {"condition": "a/b"}], "'a/b' and 'a b' would both be called 'a_b"),
        ([{"condition": "mixed"}], "condition: 'mixed' has a meaning already"),
        ([{"condition": "T0.5"}], "'T0.5' stands for temperature 0.5, and the row's is 1;"),
        (
            [{"condition": "a", "model": "m"}, {"condition": "a", "model": "n"}],
            "2 models, and a ru",
        ),
        (
            [{"condition": "a", "prompt_style": "m"}, {"condition": "a", "prompt_style": "n"}],
            "2 prompt_styles, and a run is of one",
        ),
        ([{"model": "m"}, {"temperature": 2.0, "model": "n"}], "2 models, and a run is of one"),
    ],
)
def test_contradictions_are_named(tmp_path, kinds, said):
    with pytest.raises(ValueError, match=r"cannot be imported|choose with") as fault:
        bring(file_of(tmp_path, *kinds), tmp_path / "run")
    assert said in str(fault.value)


def test_each_condition_may_have_a_model_of_its_own(tmp_path):
    kinds = [{"model": "org/small"}, {"model": "org/large", "condition": "T1-large"}]
    said = bring(file_of(tmp_path, *kinds), tmp_path / "run")
    assert "model org/small" in said
    run = Run(tmp_path / "run")
    assert [one.own["model"] for one in run.conditions] == ["org/small", "org/large"]
    assert run.samples["model"].value_counts().to_dict() == {"org/small": 4, "org/large": 4}


def test_a_named_prompt_is_a_factor_and_rows_without_a_name_have_the_default_one(tmp_path):
    kinds = [{"prompt_style": "default"}, {"condition": "T1-brief", "prompt_style": "brief"}]
    bring(file_of(tmp_path, *kinds), tmp_path / "run")
    run = Run(tmp_path / "run")
    assert [one.own["prompt"] for one in run.conditions] == ["default", "brief"]
    assert load_experiment(run.root / "experiment.yaml", trusted=False) == run.experiment
    assert "brief" in (run.root / "experiment.yaml").read_text()
    turned = [{"prompt_style": "brief"}, {"condition": "T1-own", "prompt_style": "default"}]
    bring(file_of(tmp_path, *turned), tmp_path / "turned")
    assert [dict(one.changed) for one in Run(tmp_path / "turned").conditions] == [{}, {}]


def test_a_run_of_conditions_that_names_alone_tell_apart_has_all_its_tables(tmp_path):
    kinds = [{}, {"condition": "a"}, {"condition": "b"}, {"condition": "hot", "temperature": 2.0}]
    bring(file_of(tmp_path, *kinds, n=3), tmp_path / "run")
    opened = load_experiment(tmp_path / "run" / "experiment.yaml", trusted=False)
    run_stages(STAGES, tmp_path / "run", opened)
    tables = tmp_path / "run" / "tables"
    assert {path.stem for path in tables.glob("*.csv")} == {*TABLES}
    for name in ("main_effects", "interactions"):
        told = (tables / f"{name}.md").read_text()
        assert "T1, a, b: the same level of every factor that is known" in told


def test_no_other_condition_can_be_asked_of_an_imported_run(tmp_path):
    bring(file_of(tmp_path, {}, {"condition": "hot", "temperature": 2.0}), tmp_path / "run")
    run = Run(tmp_path / "run")
    facts = run.manifest["imported"]
    refuse_more(run.experiment.generation, facts)

    def asked(*overrides):
        path = run.root / "experiment.yaml"
        return load_experiment(path, overrides, trusted=False).generation

    for cell in ("{name: cold, temperature: 2}", "{name: hot, temperature: 3}"):
        with pytest.raises(ValueError, match=r"no imported samples of '(cold|hot)'.*are: hot\)"):
            refuse_more(asked(f"generation.conditions=[{cell}]"), facts)
    with pytest.raises(ValueError, match=r"there are no imported samples at 0\.5 \(there are: 1\)"):
        refuse_more(asked("generation.temperatures=[0.5]"), facts)
    old = {key: value for key, value in facts.items() if key != "conditions"}  # of older imports
    refuse_more(asked("generation.conditions=[]"), old)


@pytest.fixture(scope="module")
def of_a_grid(tmp_path_factory):
    """A scored run of two temperatures, two levels and two prompts, with greedy samples."""
    tree = {name: dict(section) for name, section in EXPERIMENT.items() if name != "name"}
    tree["task"] |= {"num_problems": 3, "prompts": {"brief": {"system": "Be brief."}}}
    tree["generation"].pop("temperatures", None)
    tree["generation"] |= {
        "n": 3, "greedy": True, "min_p": 0.05,
        "grid": {"temperature": [0.5, 1], "min_p": [0.05, 0.1], "prompt": ["default", "brief"]},
    }  # fmt: skip
    tree["measure"] = {"k": [2], "metrics": ["distinct_texts"]}
    tree["selection"] = {"aggregators": ["maj"], "reward": "likelihood"}
    root = tmp_path_factory.mktemp("grid") / "run"
    run_stages(("generate", "score"), root, check_experiment({"name": "g", **tree}, (), "it"))
    return Run(root)


@pytest.mark.parametrize("name", EXPORTS)
def test_what_a_grid_exports_comes_back_as_the_same_conditions(of_a_grid, name, tmp_path):
    said = export_run(of_a_grid, name, tmp_path / "out")
    assert "exported   78 samples in 30 pools" in said
    bring(tmp_path / "out", tmp_path / "run")
    back = Run(tmp_path / "run")
    key = ["problem_id", "condition", "sample_index"]
    columns = ["temperature", "min_p", "prompt", "completion"]

    def held(run):
        rows = run.samples.assign(condition=run.samples["condition"].astype(str))
        return rows.set_index(key)[columns].sort_index()

    assert held(back).equals(held(of_a_grid))
    assert {one.name for one in back.conditions} == {one.name for one in of_a_grid.conditions}
    assert {one.name for one in back.conditions if one.greedy} == {"T0", "T0-brief"}
    files = {
        path.name for path in (tmp_path / "out").rglob("*") if "T1-min_p0.1-brief" in str(path)
    }
    assert bool(files) == (name in ("inspect", "lm-eval"))  # apart in files, where temperatures are
