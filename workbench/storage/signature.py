"""The line that stands under every table and figure, and names the tracked run."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.config.conditions import conditions_of
from workbench.config.schema import Experiment
from workbench.core.conditions import (
    NUMERIC_FACTORS,
    TEMPERATURE,
    TURN_FACTORS,
    Condition,
    spell_setting,
    varying_factors,
)
from workbench.storage.manifest import version_string

IMPORTED = "imported"


def run_signature(experiment: Experiment, held: Sequence[str] = ()) -> str:
    """Return task, model, temperatures, N, seed and version, as ``a|b|T:0.3,1|N:16|seed:0|v0.1``.

    Where the folder has more than that, ``held`` says what: ``...|N:8|of N:16|seed:0|...``.

    An imported run has ``imported`` in place of a seed. The line is for reading; what is redone is
    decided by fingerprints.
    """
    parts = signature_parts(experiment)
    seed = parts["seed"]
    drawn = seed if seed == IMPORTED else f"seed:{seed}"
    more = f"|of {' '.join(held)}" if held else ""
    levels = condition_parts(conditions_of(experiment.generation))
    varied = "|".join(f"{name}:{spelt}" for name, spelt in levels.items())
    named = f"{parts['task_name']}|{parts['model']}|{varied}|N:{parts['N']}"
    return f"{named}{more}|{drawn}|{version_string()}"


def condition_parts(conditions: Sequence[Condition]) -> dict[str, str]:
    """Return the levels of each factor that varies, and the temperatures in any case, as text.

    Example:
        >>> condition_parts([Condition("T1", 1.0, 8), Condition("T0.3", 0.3, 8)])
        {'T': '1,0.3'}
    """
    sampled = [one for one in conditions if not one.greedy] or conditions
    factors = dict.fromkeys([TEMPERATURE, *varying_factors(sampled)])
    spelt = {
        name: ",".join(dict.fromkeys(spell_setting(name, one.own.get(name)) for one in sampled))
        for name in factors
    }
    return {"T": spelt.pop(TEMPERATURE)} | spelt


def signature_parts(experiment: Experiment) -> dict[str, str | float]:
    """Return by what runs are grouped: one plain value for each thing a signature names.

    A factor that varies is there with all its levels as text, ``min_p: "0,0.1"``; a number by which
    samples are drawn and that does not vary is there as it is, ``min_p: 0.1``. An option of the
    engine goes by its own name, as W&B reads a dot as the way into a section.
    """
    settings = experiment.generation
    conditions = conditions_of(settings)
    levels = condition_parts(conditions)
    model = settings.model.rstrip("/").rsplit("/", 1)[-1]
    named: dict[str, str | float] = {
        "task_name": experiment.task.name,
        "model": "replay" if settings.backend == "replay" else model,
        "temperatures": levels.pop("T"),
        "N": settings.n,
        "seed": IMPORTED if settings.backend == "import" else settings.seed,
    }
    one = next((one for one in conditions if not one.greedy), conditions[0])
    fixed = {
        name: one.own.get(name, getattr(settings, name))
        for name in NUMERIC_FACTORS
        if name not in (TEMPERATURE, *TURN_FACTORS)
    }
    varied = {name.rpartition(".")[2]: spelt for name, spelt in levels.items()}
    return named | {name: level for name, level in fixed.items() if level is not None} | varied
