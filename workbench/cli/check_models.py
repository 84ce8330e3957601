"""The models that an experiment needs: are they to be found?"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from analysis.aggregate import AGGREGATORS
from workbench.config.schema import Experiment
from workbench.core.types import STAGES
from workbench.generate import BACKENDS, resolve
from workbench.measure.missing_inputs import needs_embeddings
from workbench.models.locate import check_encoder, check_model
from workbench.rewards import outcome_model as orm
from workbench.rewards import second_model as under


def check_models(
    experiment: Experiment,
    stages: tuple[str, ...] = STAGES,
    *,
    fetch: bool = False,
) -> None:
    """Look for the models that stages of an experiment will need, without loading them.

    Those of the scoring are looked for before the samples are drawn, not hours later.

    Args:
        experiment: what is to be done.
        stages: which of them are to run.
        fetch: ask the hub for what is needed in order to tell; else no network is asked.

    Raises:
        ValueError: some are not to be found, or the reward model cannot say ``+`` and ``-``; the
            message says what there is.
    """
    faults = []
    checks: list[tuple[str, Callable[[], None]]] = []
    if "generate" in stages and BACKENDS[resolve(experiment.generation.backend)].local_model:
        name = experiment.generation.model
        checks.append(("generation.model", partial(check_model, name)))
    if {"generate", "score"} & {*stages}:
        if experiment.embedding.source == "text" and needs_embeddings(experiment, AGGREGATORS):
            name = experiment.embedding.model
            checks.append(("embedding.model", partial(check_encoder, name)))
        judge = experiment.scoring.orm
        if "orm" in experiment.scoring.rewards and judge is not None:
            checks.append(("scoring.orm.backend", partial(orm.check_engine, judge.backend)))
            checks.append(("scoring.orm.model", partial(orm.check_judge, judge.model, fetch)))
        if judge is not None and judge.encodings:
            checks.append(("scoring.orm.encodings", partial(orm.check_engine, "transformers")))
            checks.append(("scoring.orm.model", partial(orm.check_judge, judge.model, fetch)))
        chat = experiment.task.prompt == "chat"
        for name, second in experiment.scoring.models.items():
            key = f"scoring.models.{name}"
            checks.append((f"{key}.backend", partial(under.check_engine, name, second.backend)))
            checks.append((f"{key}.model", partial(under.check_second, second.model, chat, fetch)))
    for key, check in checks:
        try:
            check()
        except ValueError as fault:
            faults.append(f"{key}: {fault}")
    if faults:
        raise ValueError("\n".join(faults))
