"""One experiment of many conditions with the real small model, and what must hold of its samples.

Of a condition that leaves one token at every step the samples are greedy decoding's, so that the
settings of each can be told from the texts.
"""

import json

import workbench as wb

TASK = {"name": "arithmetic", "num_problems": 2, "prompt": "completion", "few_shot": 3}
GENERATION = {
    "model": "SmolLM2-135M-Instruct", "n": 3, "greedy": True, "max_tokens": 14, "dtype": "float32",
    "max_model_len": 320, "stop": ["\n"],
}  # fmt: skip
CONDITIONS = {
    "grid": [
        {"temperature": [1.5], "top_k": [0, 1, 4]},
        {"temperature": [1.5], "min_p": [0.05, 1.0]},
        {"temperature": [0.7, 1.5], "top_p": [0.000001], "max_tokens": [3, 14]},
    ],
    "conditions": [
        {"name": "cut", "temperature": 1.5, "top_k": 1, "stop": [" ", "="], "max_tokens": 13},
        {"name": "penalised", "temperature": 1.5, "top_k": 1, "repetition_penalty": 3.0},
    ],
}
SAME_SEEDS = """
import workbench.generate.missing_samples as drawing
real = drawing.sample_seed
drawing.sample_seed = lambda seed, problem, temperature, index, changed: real(
    seed, problem, temperature, index
)
"""
"""The seeds of a run that knows no factor but the temperature."""
SEPARATE = {
    "T1.5-top_k4": {"top_k": 4},
    "cut": {"top_k": 1, "stop": [" ", "="], "max_tokens": 13},
}
"""What a run has in its section ``generation`` that draws one of the conditions alone."""


def write(path, backend, **generation):
    """Write the experiment with settings of ``generation``; returns the path."""
    tree = {
        "name": "conditions", "task": TASK,
        "generation": GENERATION | {"backend": backend} | generation,
        "measure": {"k": [2], "metrics": ["num_tokens"]},
        "selection": {"aggregators": ["maj"]}, "tracking": {"mode": "disabled"},
    }  # fmt: skip
    path.write_text(json.dumps(tree))  # which is YAML as well
    return path


def by_condition(folder):
    """Condition -> problem -> the samples' (text, token ids, reason), in their order."""
    found = {}
    columns = ["completion", "output_token_ids", "stop_reason"]
    rows = wb.load_run(folder).samples.sort_values("sample_index")
    for (name, problem), part in rows.groupby(["condition", "problem_id"], observed=True):
        drawn = part[columns].itertuples(index=False, name=None)
        found.setdefault(name, {})[problem] = [(text, *ids_and(rest)) for text, *rest in drawn]
    return found


def ids_and(rest):
    ids, reason = rest
    return tuple(ids), reason


def check(folder):
    """Check that every condition was drawn with its own settings and no other's."""
    found = by_condition(folder)
    greedy = {problem: one for problem, (one,) in found["T0"].items()}
    assert len(greedy) == 2
    # one token is left at every step: by top-k, by min-p, and by top-p at either temperature
    for name in ("T1.5-top_k1", "T1.5-min_p1", "T1.5-top_p1e-06", "T0.7-top_p1e-06"):
        for problem, samples in found[name].items():
            assert samples == [greedy[problem]] * 3, name
    texts = {name: {s for part in found[name].values() for s in part} for name in found}
    assert len(texts["T1.5"]) > 4  # of six: nothing is cut, so that hardly two are alike
    assert len(texts["T1.5-top_k4"]) > 2
    assert texts["T1.5"] != texts["T1.5-min_p0.05"] != texts["T1.5-top_k4"]

    for heat in ("T0.7", "T1.5"):
        for problem, samples in found[f"{heat}-top_p1e-06-max_tokens3"].items():
            _, ids, _ = greedy[problem]
            assert all(sample[1] == ids[:3] for sample in samples)
            assert all(reason == "length" for *_, reason in samples) == (len(ids) > 3)
    assert max(len(ids) for _, ids, _ in texts["T1.5"]) == 14

    cut = 0
    for problem, samples in found["cut"].items():
        text, ids, _ = greedy[problem]
        first = min((text.index(s) for s in (" ", "=") if s in text), default=None)
        for completion, own, reason in samples:
            if first is None:
                continue
            assert (completion, reason) == (text[:first], "stop")
            assert own == ids[: len(own)]
            assert len(own) < len(ids)
            cut += 1
    assert cut
    assert not any(s in text for text, *_ in texts["cut"] for s in (" ", "="))
    assert any("=" in text or " " in text for text, *_ in texts["T1.5-top_k1"])

    repeated = {problem: {s for s in part} for problem, part in found["penalised"].items()}
    assert all(len(samples) == 1 for samples in repeated.values())  # one token is left here too
    assert repeated != {problem: {one} for problem, one in greedy.items()}


def check_separate(folder, alone, name):
    """Check that a run of one condition's settings draws the same samples."""
    together, separate = by_condition(folder)[name], by_condition(alone)["T1.5"]
    assert together == separate
