"""What the section ``training`` refuses, each by its key."""

import pytest

from workbench.config.training_schema import CorrectionTraining
from workbench.experiment import ExperimentError, load_experiment


def refused(experiment, **training):
    with pytest.raises(ExperimentError) as caught:
        load_experiment(experiment(training=training))
    return str(caught.value)


@pytest.mark.parametrize(
    ("training", "words"),
    [
        ({"alpha": -1}, "training.alpha: must be at least 0, got -1"),
        ({"beta_1": -0.1}, "training.beta_1: must be at least 0, got -0.1"),
        ({"beta_2": -0.1}, "training.beta_2: must be at least 0, got -0.1"),
        ({"samples": 1}, "training.samples: must be at least 2, got 1"),
        ({"warmup": 100, "steps_1": 200}, "training.warmup: the learning rate would rise for 100 "),
        ({"warmup": 100, "steps_1": 200}, "steps, and Stage II has 100; set it below that"),
        ({"warmup": 7, "steps_1": 7}, "rise for 7 steps, and Stage I has 7"),
        ({"steps_1": 0, "steps_2": 0}, "training.steps_1: both stages have no steps"),
        ({"batch_size": 10}, "training.batch_size: a batch of 10 cannot be formed of 4 samples"),
        ({"reward": "half"}, "training.reward: unknown value 'half'"),
        ({"lr": 0}, "training.lr: must be more than 0, got 0"),
        ({"tasks": {"task": {"name": "arithmetic"}}}, "training.tasks.task: is the name of"),
        ({"aplha": 1}, "training.aplha: unknown key"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_its_key(experiment, training, words):
    assert words in refused(experiment, **training)


def test_all_faults_are_told_at_once(experiment):
    said = refused(experiment, alpha=-1, batch_size=10)
    assert "training.alpha" in said
    assert "training.batch_size" in said


def test_a_stage_of_no_steps_needs_no_rise(experiment):
    found = load_experiment(experiment(training={"steps_1": 0, "warmup": 50})).training
    assert found.steps == 100
    assert found.problems_per_batch == 4


def test_without_the_section_an_experiment_trains_nothing(experiment):
    assert load_experiment(experiment()).training is None
    changed = load_experiment(experiment(), ["training.alpha=3"]).training
    assert changed == CorrectionTraining(alpha=3)
