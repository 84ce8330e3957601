"""The models that an experiment needs: are they to be found?"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from workbench.analysis.aggregate import AGGREGATORS
from workbench.config.conditions import conditions_of, loading_of, prompt_name
from workbench.config.factors import MODEL
from workbench.config.prompt_variants import prompt_section, task_with_prompt
from workbench.config.schema import Experiment, TaskSettings
from workbench.config.setting_types import DEFAULT_PROMPT
from workbench.core.types import STAGES
from workbench.generate import BACKENDS, engine_versions, resolve
from workbench.measure.missing_inputs import needs_embeddings
from workbench.models.chat_template import check_conversation
from workbench.models.locate import check_encoder, check_model
from workbench.tasks import TASKS
from workbench.tasks.prompts import roles_of


def check_models(
    experiment: Experiment, stages: tuple[str, ...] = STAGES, *, fetch: bool = False
) -> None:
    """Look for the models that stages of an experiment will need, without loading them.

    Those of the scoring are looked for before the samples are drawn, not hours later. The hub is
    asked for what is needed in order to tell only with ``fetch``; else no network is.

    Raises:
        ValueError: some are not to be found, or the reward model cannot say ``+`` and ``-``; the
            message says what there is.
    """
    faults: dict[str, None] = {}  # each once: a second model is looked for with every prompt
    for key, check in _checks(experiment, stages, fetch):
        try:
            check()
        except ValueError as fault:
            faults[f"{key}: {fault}"] = None
    if faults:
        raise ValueError("\n".join(faults))


def _checks(
    experiment: Experiment, stages: tuple[str, ...], fetch: bool
) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield the setting that names a model or its backend, and the check of it."""
    scoring, embedding, task = experiment.scoring, experiment.embedding, experiment.task
    by_model = _asked_by_model(experiment)
    turns = experiment.generation.turns
    chats = _chats(task, [name for _, asked in by_model.values() for name in asked], turns)
    if "generate" in stages and BACKENDS[resolve(experiment.generation.backend)].local_model:
        for model, (key, asked) in by_model.items():
            yield key, partial(check_model, model)
            for section, (roles, options) in _chats(task, asked, turns).items():
                check = partial(check_conversation, model, roles, options, section)
                yield f"{section}.prompt", check
    if not {"generate", "score"} & {*stages}:
        return
    if embedding.source == "text" and needs_embeddings(experiment, AGGREGATORS):
        yield "embedding.model", partial(check_encoder, embedding.model)
    judge = scoring.orm
    if judge is not None:
        from workbench.rewards import outcome_model as orm  # not before: it loads pyarrow

        engines = {"backend": judge.backend} if "orm" in scoring.rewards else {}
        engines |= {"encodings": "transformers"} if judge.encodings else {}
        for setting, engine in engines.items():
            versions = partial(engine_versions, resolve(engine), "scoring.orm.backend")
            yield f"scoring.orm.{setting}", versions
            yield "scoring.orm.model", partial(orm.check_judge, judge.model, fetch)
    for name, second in scoring.models.items():
        from workbench.rewards import second_model as under

        key = f"scoring.models.{name}"
        versions = partial(engine_versions, resolve(second.backend), f"{key}.backend")
        yield f"{key}.backend", versions
        found = partial(under.check_model, second.model, fetch=fetch)
        if not chats:
            yield f"{key}.model", partial(found, roles=(), options={})
        for section, (roles, options) in chats.items():
            yield f"{key}.model", partial(found, roles=roles, options=options, section=section)


def _asked_by_model(experiment: Experiment) -> dict[str, tuple[str, dict[str, None]]]:
    """Return by model the setting that names it, and the prompts that it is asked."""
    drawn = experiment.generation
    found: dict[str, tuple[str, dict[str, None]]] = {}
    for one in conditions_of(drawn):
        level = one.changed.get(MODEL, drawn.model)
        model = loading_of(one, drawn).model
        key = f"generation.models.{level}.model" if level in drawn.models else "generation.model"
        if level not in drawn.models and MODEL in one.changed:
            key = f"generation.{'grid' if drawn.grid else 'conditions'}.model"
        asked = DEFAULT_PROMPT if drawn.backend == "import" else prompt_name(one)
        found.setdefault(model, (key, {}))[1][asked] = None
    return found


def _chats(
    task: TaskSettings, names: Iterable[str], turns: int
) -> dict[str, tuple[tuple[str, ...], dict[str, Any]]]:
    """Return by section who speaks in a prompt that is a chat, and the switches of its template.

    ``names`` are the prompts that are asked, in so many ``turns``.
    """
    again = ("assistant", "user") * (turns - 1)
    asked = {prompt_section(name): task_with_prompt(task, name) for name in names}
    row = TASKS[task.name]
    return {
        section: ((*roles, *again), settings.template_options)
        for section, settings in asked.items()
        if (roles := roles_of(row, settings))
    }
