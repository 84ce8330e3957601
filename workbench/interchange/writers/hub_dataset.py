"""Export as a data set for the Hugging Face hub: a folder of Parquet with a card."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from workbench.config.conditions import conditions_of
from workbench.config.schema import experiment_to_dict
from workbench.config.yaml_file import write_yaml
from workbench.core.conditions import level_value, temperature_name, varying_factors
from workbench.core.types import REWARD_PREFIX
from workbench.interchange.writers.exported_run import ExportedPool, ExportedRun, column_of

DATA = "data/train-00000-of-00001.parquet"
ROWS_PER_GROUP = 8192
SETTINGS = {
    "temperatures",
    "grid",
    "conditions",
    "n",
    "greedy",
    "max_tokens",
    "top_p",
    "top_k",
    "stop",
    "seed",
}

COLUMNS: dict[str, tuple[pa.DataType, str]] = {
    "problem_id": (pa.string(), "the problem's name"),
    "problem": (pa.string(), "its question"),
    "gold": (pa.string(), "the known answer; null where there is none"),
    "model": (pa.string(), "the model that drew the sample"),
    "temperature": (pa.float64(), "at which it was drawn; null where that is not known"),
    "condition": (pa.string(), "the condition in which it was drawn; the columns beside say which"),
    "sample_index": (pa.int32(), "its place among the samples of the problem in that condition"),
    "text": (pa.string(), "what was sampled, but for the thought"),
    "answer": (pa.string(), "what it answers; null where no answer was found"),
    "correct": (pa.bool_(), "whether that is the known answer; null where that is not known"),
    "status": (
        pa.string(),
        "answered, no_answer, truncated (cut off and without an answer), timeout, error or "
        "ungraded (of unknown correctness)",
    ),
    "answer_rule": (pa.string(), "the rule by which the answer was found"),
    "stop_reason": (pa.string(), "stop, length (cut off) or error (never drawn)"),
    "num_tokens": (pa.int32(), "tokens drawn, the one that ends it included"),
    "logprob": (pa.float64(), "sum of the tokens' log-probabilities, nats, untempered model"),
    "mean_logprob": (pa.float64(), "their mean, nats per token"),
    "mean_entropy": (pa.float64(), "mean entropy of the tokens' distributions, nats; where kept"),
    "token_logprobs": (pa.list_(pa.float32()), "log-probability of each token, nats"),
    "token_ids": (pa.list_(pa.int32()), "the tokens, by their numbers in the model's vocabulary"),
    "thought": (pa.string(), "what was thought before the text; null where nothing was"),
    "num_thought_tokens": (pa.int32(), "how many of the tokens, from the first, are the thought's"),
    "thought_logprob": (pa.float64(), "mean over the thought's tokens, nats per token"),
    "answer_logprob": (pa.float64(), "mean over the other tokens, nats per token"),
    "thought_entropy": (pa.float64(), "mean entropy over the thought's tokens, nats; where kept"),
    "answer_entropy": (pa.float64(), "mean entropy over the other tokens, nats; where kept"),
    "reward": (pa.float64(), "how good the sample is thought to be, without the known answer"),
    "error": (pa.string(), "why it could not be drawn"),
}
"""Column of a sample -> (type, description for the card)."""


def write(out: Path, run: ExportedRun, pools: Iterator[ExportedPool]) -> None:
    """Write the data and the card."""
    columns = _columns(run)
    for name in run.experiment.scoring.rewards:
        columns[f"{REWARD_PREFIX}{name}"] = (pa.float64(), f"the reward `{name}`")
    schema = pa.schema([(name, kind) for name, (kind, _) in columns.items()])
    rows: list[dict[str, Any]] = []
    count = 0
    (out / DATA).parent.mkdir()
    with pq.ParquetWriter(out / DATA, schema, compression="zstd") as file:
        for pool in pools:
            shared = run.shared_columns(pool)
            rows += [shared | sample for sample in pool.samples]
            count += len(pool.samples)
            if len(rows) >= ROWS_PER_GROUP:
                file.write_table(pa.Table.from_pylist(rows, schema))
                rows = []
        file.write_table(pa.Table.from_pylist(rows, schema))
    what = f"{count:,} samples of {len(run.problems):,} problems"
    table = "\n".join(f"| `{name}` | {text} |" for name, (_, text) in columns.items())
    (out / "README.md").write_text(_card(run, what, table), encoding="utf-8")


def _columns(run: ExportedRun) -> dict[str, tuple[pa.DataType, str]]:
    """Return the columns: the condition, and a column for each factor, where there are any."""
    conditions = conditions_of(run.experiment.generation)
    factors = [name for name in varying_factors(conditions) if name not in ("temperature", "model")]
    plain = all(one.name == temperature_name(one.temperature) for one in conditions)
    found: dict[str, tuple[pa.DataType, str]] = {}
    for name, column in COLUMNS.items():
        if name != "condition" or not plain:
            found[name] = column
        for factor in factors if name == "condition" else ():
            levels = [level_value(one.own.get(factor)) for one in conditions]
            kind = pa.string() if any(isinstance(level, str) for level in levels) else pa.float64()
            found[column_of(factor)] = (kind, f"the factor `{factor}` of the condition")
    return found


def _card(run: ExportedRun, what: str, table: str) -> str:
    """Return the data set's card: front matter, content, columns, how to read it."""
    generation = run.experiment.generation
    files = [{"split": "train", "path": "data/*.parquet"}]
    head = {
        "pretty_name": f"{run.task}, sampled from {run.model}",
        "task_categories": ["text-generation"],
        "tags": ["workbench", "sampling", "diversity"],
        "configs": [{"config_name": "default", "data_files": files}],
    }
    drawn = ""
    if generation.backend != "import":
        settings = {
            key: value
            for key, value in experiment_to_dict(run.experiment)["generation"].items()
            if key in SETTINGS and value not in ([], None)
        }
        drawn = f"Drawn with:\n\n```yaml\n{write_yaml(settings)}```\n\n"
    return f"""---
{write_yaml(head)}---

# {head["pretty_name"]}

{what}, a row each, drawn and graded by the workbench.

`{run.signature}`

{drawn}## Columns

| column | what it is |
| --- | --- |
{table}

## Reading it

```python
from datasets import load_dataset

samples = load_dataset("THIS_FOLDER_OR_ITS_NAME_ON_THE_HUB", split="train")
```

`workbench import FOLDER {run.options()}` makes a run of it again.
"""
