"""Experiment files: what is read, what is refused and in which words, and how large it is."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from workbench.config.schema import Measure, dump_experiment, experiment_to_dict
from workbench.config.validation import fields_of
from workbench.experiment import ExperimentError, load_experiment

ROOT = Path(__file__).resolve().parents[2]
AGGREGATORS = {
    name: SimpleNamespace(needs=("rewards",) if name in ("best", "weighted") else ())
    for name in ("maj", "best", "weighted", "sem_mbr", "lex_mbr")
}
GOOD = """\
name: good
task: {name: arithmetic, num_problems: 3}
generation: {model: m, n: 8}
"""


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "hot.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def faults(path, *overrides, aggregators=AGGREGATORS):
    with pytest.raises(ExperimentError) as caught:
        load_experiment(path, overrides, aggregators=aggregators)
    first, *rest = str(caught.value).splitlines()
    assert first == f"{path} is not a valid experiment:"
    assert rest
    assert all(line.startswith("  ") for line in rest)
    return [line[2:] for line in rest]


def test_what_is_left_out_has_its_default(write):
    experiment = load_experiment(write(GOOD + "measure:\n# all of it commented out\n"))
    assert experiment.generation.n == 8
    assert experiment.generation.temperatures == (0.3, 0.7, 1.0)
    assert experiment.measure.k == (2, 4, 8)


def test_all_faults_at_once_with_key_and_nearest_name(write):
    path = write(
        """\
name: hot stuff
tusk: 1
task: {name: aritmetic}
generation:
  model: ./nowhere
  n: many
  temprature: 1
  dtype: bf16
scoring: {rewards: [likelyhood]}
measure: {k: 4, metrics: [dppp]}
selection: {aggregators: [majj, maj:likelyhood, best:orm]}
tracking: 3
"""
    )
    found = faults(path)
    expected = [
        "name: must be letters, digits, '.', '_' or '-' (it names a folder), got 'hot stuff'",
        "tusk: unknown key; did you mean 'task'? (known: name, task, ",
        "task.name: unknown task 'aritmetic'; did you mean 'arithmetic'? (known: ",
        "generation.model: there is no folder ./nowhere (looked for from ",
        "generation.n: expected an integer, got 'many'",
        "generation.temprature: unknown key; did you mean 'temperatures'? (known: model, ",
        "generation.dtype: unknown value 'bf16'; did you mean 'bfloat16'? (known: auto, ",
        "scoring.rewards: unknown reward 'likelyhood'; did you mean 'likelihood'? (known: ",
        "measure.k: expected a list, got 4; write [4]",
        "measure.metrics: unknown metric 'dppp'; did you mean 'dpp'? (known: avg_log_prob, ",
        "selection.aggregators: unknown aggregator 'majj'; did you mean 'maj'? (known: maj, ",
        "selection.aggregators: 'maj:likelyhood': 'maj' uses no reward; only best, weighted can",
        "selection.aggregators: 'best:orm': 'orm' is not among scoring.rewards ['likelyhood']",
        "selection.reward: 'likelihood' is not among scoring.rewards ['likelyhood']",
        "tracking: expected a mapping (lines of 'key: value'), got 3",
    ]
    for start in expected:
        assert sum(line.startswith(start) for line in found) == 1, start
    assert len(found) == len(expected)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('generation: {model: m, n: "16"}', "generation.n: expected an integer, got '16'"),
        ("generation: {model: m, n: true}", "generation.n: expected an integer, got true"),
        ("generation: {model: m, n: 16.0}", "generation.n: expected an integer, got 16.0"),
        ("generation: {model: m, n: }", "generation.n: expected an integer, got nothing"),
        ("generation: {model: m, n: 0}", "generation.n: must be at least 1, got 0"),
        ("generation: {model: m, top_p: 1.5}", "generation.top_p: must be at most 1, got 1.5"),
        ("generation: {model: m, top_p: 0}", "generation.top_p: must be more than 0, got 0"),
        ('generation: {model: m, top_p: "1"}', "generation.top_p: expected a number, got '1'"),
        ("generation: {model: m, top_p: true}", "generation.top_p: expected a number, got true"),
        ("generation: {model: m, greedy: 1}", "generation.greedy: expected true or false, got 1"),
        ("generation: {model: 8}", "generation.model: expected a text, got 8"),
        ("generation: {n: 8}", "generation.model: missing: a folder, a name on the hub, or Smol"),
        (
            "generation: {model: m, stop: x}",
            "generation.stop: expected a list, got 'x'; write ['x']",
        ),
        ("generation: {model: m, engine: 1}", "generation.engine: expected a mapping"),
        (
            "generation: {model: m, temperatures: [1, hot]}",
            "generation.temperatures.1: expected a number, got 'hot'",
        ),
        (
            "generation: {model: m, temperatures: [.nan]}",
            "generation.temperatures.0: expected a finite number, got nan",
        ),
        (
            "generation: {model: m, temperatures: []}",
            "generation.temperatures: needs at least one entry, got []",
        ),
        (
            "generation: {model: m, temperatures: [0, 1]}",
            "generation.temperatures: every temperature must be above 0, got [0, 1]",
        ),
        (
            "generation: {model: m, backend: vlm}",
            "generation.backend: unknown backend 'vlm'; did you",
        ),
        ("generation: {model: m, n: 4}", "measure.k: subsets of 8 samples need generation.n of at"),
        ("generation: 3", "generation: expected a mapping (lines of 'key: value'), got 3"),
        (
            "generation: {model: m, max_tokens: 99, max_model_len: 99}",
            "generation.max_tokens: samples of 99 tokens leave no room for a prompt",
        ),
        (
            "generation: {model: m, engine: {max_num_seqs: }}",
            "generation.engine: max_num_seqs must be an integer of at least 1, got None",
        ),
        (
            "generation: {model: m, engine: {max_num_seqs: [1]}}",
            "generation.engine: max_num_seqs must be an integer of at least 1, got [1]",
        ),
        (
            "generation: {model: m, engine: {tensor_parallel_size: true}}",
            "generation.engine: tensor_parallel_size must be an integer of at least 1, got True",
        ),
        (
            "generation: {model: m, engine: {gpu_memory_utilization: 1.5}}",
            "generation.engine: gpu_memory_utilization must be above 0 and at most 1, got 1.5",
        ),
        ("generation: {model: m, max_failed: 2}", "generation.max_failed: must be at most 1"),
        ("generation: {model: /no/where}", "generation.model: there is no folder /no/where"),
    ],
)
def test_one_fault_gives_one_line_about_it(write, line, fault):
    text = GOOD.replace("generation: {model: m, n: 8}", line)
    found = faults(write(text))
    assert len(found) == 1
    assert found[0].startswith(fault)


@pytest.mark.parametrize(
    ("backend", "option", "fault"),
    [
        ("replay", "seconds_per_sample: ", "seconds_per_sample: expected a number, got nothing"),
        ("replay", "seconds_per_sample: [1]", "seconds_per_sample: expected a number, got [1]"),
        ("replay", "seconds_per_sample: 1.0e+400", "seconds_per_sample: expected a finite number"),
        ("replay", "seconds_per_sample: .nan", "seconds_per_sample: expected a finite number"),
        ("replay", "seconds_per_sample: 1.0e+300", "seconds_per_sample: must be at most 3600"),
        ("replay", "seconds_per_sample: -1", "seconds_per_sample: must be at least 0, got -1"),
        ("replay", "seconds: 1", "seconds: unknown key (known: samples, seconds_per_sample)"),
        ("openai", "timeout: ", "timeout: expected a number, got nothing"),
        ("openai", "timeout: 1.0e+400", "timeout: expected a finite number"),
        ("openai", "concurrency: 1.5", "concurrency: expected an integer, got 1.5"),
        ("openai", "concurrency: 100000000000000000000", "concurrency: "),
        ("openai", "max_retries: 1001", "max_retries: must be at most 1000, got 1001"),
        ("openai", "base_url: 7", "base_url: expected a text, got 7"),
    ],
)
def test_every_option_of_a_backend_has_its_type(write, backend, option, fault):
    line = f"generation: {{model: m, n: 8, backend: {backend}, engine: {{{option}}}}}"
    found = faults(write(GOOD.replace("generation: {model: m, n: 8}", line)))
    assert len(found) == 1
    assert found[0].startswith(f"generation.engine.{fault}")


def test_an_integer_is_a_number_too(write):
    experiment = load_experiment(
        write(GOOD), ["generation.temperatures=[1]", "measure.dpp_jitter=1e-4"]
    )
    assert experiment.generation.temperatures == (1.0,)
    assert experiment.measure.dpp_jitter == 1e-4


def test_make_believe_samples_need_no_model_folder(write):
    assert faults(write(GOOD), "generation.model=./nowhere")
    load_experiment(write(GOOD), ["generation.model=./nowhere", "generation.backend=replay"])


def test_the_task_checks_its_own_settings_beside_other_faults(write):
    path = write(GOOD.replace("num_problems: 3", "num_problems: x, few_shots: 2, few_shot: 99"))
    found = faults(path, "task.options.max_digit=3")
    assert [line.split(": ")[0] for line in found] == [
        "task.num_problems",
        "task.few_shots",
        "--set task.options.max_digit",
        "task.few_shot",
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "the file is empty"),
        ("- 1", "expected a mapping (lines of 'key: value') at the top, got list"),
        ("name: [", "line 1, column 8: not valid YAML"),
        (GOOD + "name: again", "line 4: the key 'name' is already on line 1; keep one of them"),
    ],
)
def test_files_that_are_no_experiment_at_all(write, text, fault):
    found = faults(write(text))
    assert len(found) == 1
    assert found[0].startswith(fault)


def test_a_missing_file(tmp_path):
    assert faults(tmp_path / "nowhere.yaml")[0].startswith("there is no such file (looked for from")


def test_missing_sections_name_what_they_need(write):
    found = faults(write("task:\n"))
    assert [line.split(":")[0] for line in found] == ["name", "task.name", "generation.model"]


def test_the_files_of_a_task_may_lie_beside_the_experiment(write, tmp_path, monkeypatch):
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    for folder in (home, elsewhere):
        folder.mkdir()
    (home / "own.jsonl").write_text('{"problem": "Two?", "gold": "2"}\n')
    text = "name: own\ntask: {name: jsonl, source: own.jsonl}\ngeneration: {model: m}\n"
    path = home / "own.yaml"
    path.write_text(text)
    monkeypatch.chdir(elsewhere)
    assert load_experiment("../home/own.yaml").task.source == "../home/own.jsonl"
    with pytest.raises(ExperimentError, match=r"task\.source: there is no file own\.jsonl"):
        load_experiment(path, trusted=False)  # the folder of a run has files of its own
    (elsewhere / "own.jsonl").write_text('{"problem": "Two?", "gold": "2"}\n')
    assert load_experiment(path).task.source == "own.jsonl"


def test_a_key_in_the_wrong_section_is_told_where_it_belongs(write):
    path = write(GOOD + "n: 4\nmeasure: {temperatures: [1], kk: [2]}\n")
    assert faults(path, "model=m") == [
        "n: unknown key here; did you mean generation.n?",
        "--set model: unknown key here; did you mean generation.model or embedding.model?",
        "measure.temperatures: unknown key here; did you mean generation.temperatures?",
        f"measure.kk: unknown key; did you mean 'k'? (known: {', '.join(fields_of(Measure))})",
    ]


def test_what_is_missing_is_told_in_words(write):
    assert faults(write("name: good\ntask: {}\ngeneration: {}\n")) == [
        "task.name: missing: a task of `workbench list tasks`",
        "generation.model: missing: a folder, a name on the hub, or SmolLM2-135M-Instruct, which "
        "comes as a package",
    ]


def test_overrides_are_yaml_and_replace_the_files(write):
    experiment = load_experiment(
        write(GOOD),
        [
            "generation.n=32",
            "generation.greedy=true",
            "measure.k=[2, 32]",
            'generation.stop=["\\n"]',
            "task.options.max_digits=2",  # a mapping that the file does not have
            "task.system=a=b",
            "generation.n=64",  # the last one counts
        ],
    )
    assert experiment.generation.n == 64
    assert experiment.generation.greedy is True
    assert experiment.measure.k == (2, 32)
    assert experiment.generation.stop == ("\n",)
    assert experiment.task.options == {"max_digits": 2}
    assert experiment.task.system == "a=b"


def test_faults_of_overrides_are_told_as_such(write):
    found = faults(
        write(GOOD.replace("n: 8", "n: x")),
        "generation.temprature=1",
        "generation.n.x=1",
        "measure.k=[2",
        "generation",
        "generation.=1",
        "x.y=1",
        "measure.k=[2, 2]",
    )
    starts = [
        "--set generation.temprature: unknown key; did you mean 'temperatures'?",
        "--set generation.n.x=1: generation.n has no keys of its own",
        "--set measure.k=[2: line 1",
        "--set generation: expected KEY=VALUE, such as generation.n=32",
        "--set generation.=1: expected KEY=VALUE",
        "--set x: unknown key",
        "--set measure.k: 2 is given twice",
        "generation.n: expected an integer, got 'x'",  # the file's own
    ]
    for start in starts:
        assert sum(line.startswith(start) for line in found) == 1, start
    assert len(found) == len(starts)


def test_rewards_of_aggregators(write):
    good = ["selection.aggregators=[best:likelihood, maj]"]
    assert load_experiment(write(GOOD), good, aggregators=AGGREGATORS).selection.aggregators == (
        "best:likelihood",
        "maj",
    )
    load_experiment(write(GOOD), ["selection.aggregators=[anything]"])  # no table, no check


@pytest.mark.parametrize("name", ["quickstart", "test", "math500_study"])
def test_the_shipped_experiments_are_valid_and_come_back_from_their_dump(name, tmp_path):
    experiment = load_experiment(ROOT / "experiments" / f"{name}.yaml", aggregators=AGGREGATORS)
    assert experiment.name == name
    copy = tmp_path / "copy.yaml"
    copy.write_text(dump_experiment(experiment), encoding="utf-8")
    assert load_experiment(copy, aggregators=AGGREGATORS) == experiment


def test_every_setting_survives_the_dump(write, tmp_path):
    odd = [
        'task.system="1e-6"',
        'generation.stop=["\\n", "yes", "#"]',
        "measure.dpp_jitter=1e-9",
        "generation.engine={additional_config: {b: [1, null, 1.5]}}",
    ]
    experiment = load_experiment(write(GOOD), odd)
    copy = tmp_path / "copy.yaml"
    copy.write_text(dump_experiment(experiment), encoding="utf-8")
    assert load_experiment(copy) == experiment
    assert experiment_to_dict(experiment)["generation"]["stop"] == ["\n", "yes", "#"]
