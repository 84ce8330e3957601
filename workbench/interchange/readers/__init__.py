"""FORMATS: the kinds of files that samples are imported from, recognised by their content.

Adding a format is one file here and one row in the table. The file has ``read``, which yields the
samples of a file under the column names of ``SampleRow``; ``rows.py`` reads the rows of any
container. Imports ``core`` and ``tasks``. Start reading in ``jsonl.py``; ``lm_eval.py`` is a format
whose rows hold many samples.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.core.name_table import NameTable
from workbench.interchange.readers import (
    alpaca_eval,
    batch_output,
    column_table,
    delimited,
    every_eval_ever,
    human_eval,
    inspect_log,
    json_rows,
    jsonl,
    lighteval,
    livecodebench,
    lm_eval,
    math_evaluation,
    monkeys,
    mt_bench,
    nemo_skills,
    parquet,
    promptfoo,
    reasoning_gym_eval,
    simple_evals,
    weave_calls,
    xlsx,
)
from workbench.interchange.readers import search_and_learn as sal
from workbench.interchange.readers.file_beginning import FileBeginning, read_beginning
from workbench.interchange.readers.records import LocatedRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A kind of file and how it is read."""

    recognise: Callable[[FileBeginning], bool]
    """Whether a file is of this kind. The first format in the table that says so is taken."""
    read: Callable[[Path], Iterator[LocatedRecord]]
    """Yields the file's samples one at a time. ValueError: nothing more can be read."""
    suffixes: tuple[str, ...]
    """Which files of a folder are looked at; a file that is named itself may be called anything."""
    summary: str
    interpretation: str = ""
    """What of the file was taken for what: printed after an import."""
    beside: Callable[[Path], Sequence[Path]] = lambda path: ()
    """Files that are read together with a file of samples, and are not samples of their own."""
    evaluation: Callable[[Path], str | None] = lambda path: None
    """Names what a file is an export of: two of the same hold the same samples."""
    is_plain: bool = False
    """Whether its author named the columns, which ``--column`` may rename."""

    def __repr__(self) -> str:
        """Say what it reads."""
        return f"Format({self.summary!r})"


PACKED = (".gz", ".zst", ".bz2", ".xz", ".zip")
"""Suffixes of packed files, of which every plain text may be one."""

FORMATS = NameTable("format to import", {
    "inspect": Format(
        recognise=inspect_log.recognise, read=inspect_log.read, suffixes=(".eval", ".json"),
        summary="logs of Inspect, .eval or .json: epochs are the samples of a problem",
        interpretation=inspect_log.INTERPRETATION,
    ),
    "lm-eval": Format(
        recognise=lambda file: file.names >= {"doc", "resps"},
        read=lm_eval.read, suffixes=(".jsonl", ".json", ".gz"),
        interpretation=lm_eval.INTERPRETATION,
        summary="samples_*.jsonl of lm-evaluation-harness: repeats are the samples of a problem",
    ),
    "search-and-learn": Format(
        recognise=lambda file: file.names >= {"completions", "scores"},
        read=sal.read, suffixes=(".jsonl", ".gz", ".parquet"),
        summary="completions of search-and-learn with scores, JSONL or Parquet",
        interpretation=sal.INTERPRETATION,
    ),
    "lighteval": Format(
        recognise=lighteval.recognise,
        read=lighteval.read, suffixes=(".parquet",), interpretation=lighteval.INTERPRETATION,
        summary="details_*.parquet of lighteval: the responses to a document are its samples",
    ),
    "human-eval": Format(
        recognise=human_eval.recognise, read=human_eval.read, beside=human_eval.beside,
        suffixes=(".jsonl", ".gz", ".json"), interpretation=human_eval.INTERPRETATION,
        summary="samples of human-eval and EvalPlus, with the results file beside them",
    ),
    "monkeys": Format(
        recognise=monkeys.recognise, read=monkeys.read, suffixes=(".yaml",),
        summary="YAML of large-language-monkeys, a file for each problem",
        interpretation=monkeys.INTERPRETATION,
    ),
    "promptfoo": Format(
        recognise=promptfoo.recognise,
        read=promptfoo.read, suffixes=(".json", ".jsonl"), interpretation=promptfoo.INTERPRETATION,
        evaluation=promptfoo.evaluation,
        summary="outputs of promptfoo, JSON or JSONL: the tests are the problems",
    ),
    "batch": Format(
        recognise=lambda file: file.names >= {"custom_id", "response"},
        read=batch_output.read, beside=batch_output.beside, suffixes=(".jsonl",),
        summary="output of a batch of OpenAI or vLLM, with the file of requests beside it",
        interpretation=batch_output.INTERPRETATION,
    ),
    "qwen-math": Format(
        recognise=lambda file: file.names >= {"idx", "question", "gt", "gt_cot", "code"},
        read=math_evaluation.read, suffixes=(".jsonl", ".gz"),
        summary="samples of Qwen2.5-Math's and ToRA's evaluation",
        interpretation=math_evaluation.INTERPRETATION,
    ),
    "nemo-skills": Format(
        recognise=nemo_skills.recognise, read=nemo_skills.read, suffixes=(".jsonl", ".gz"),
        summary="outputs of NeMo-Skills, a file for each seed",
        interpretation=nemo_skills.INTERPRETATION,
    ),
    "livecodebench": Format(
        recognise=livecodebench.recognise, read=livecodebench.read, suffixes=(".json",),
        beside=livecodebench.beside, interpretation=livecodebench.INTERPRETATION,
        summary="outputs of LiveCodeBench, with or without their grades",
    ),
    "reasoning-gym": Format(
        recognise=reasoning_gym_eval.recognise, read=reasoning_gym_eval.read, suffixes=(".json",),
        beside=reasoning_gym_eval.beside, interpretation=reasoning_gym_eval.INTERPRETATION,
        summary="results of reasoning-gym's evaluation, of a data set or of all",
    ),
    "simple-evals": Format(
        recognise=lambda file: file.mentions("htmls", "score", "metrics"),
        read=simple_evals.read, suffixes=(".json",), interpretation=simple_evals.INTERPRETATION,
        summary="*_allresults.json of simple-evals",
    ),
    "alpaca-eval": Format(
        recognise=alpaca_eval.recognise, read=alpaca_eval.read, beside=alpaca_eval.beside,
        suffixes=(".json",), interpretation=alpaca_eval.INTERPRETATION,
        summary="outputs of AlpacaEval, or its annotations of them",
    ),
    "mt-bench": Format(
        recognise=lambda file: file.names >= {"question_id", "model_id", "choices"},
        read=mt_bench.read, beside=mt_bench.beside, suffixes=(".jsonl",),
        summary="answers of MT-bench, with its judge's marks beside them",
        interpretation=mt_bench.INTERPRETATION,
    ),
    "every-eval-ever": Format(
        recognise=lambda file: file.names >= {"evaluation_id", "sample_id", "evaluation"},
        read=every_eval_ever.read, suffixes=(".jsonl",),
        summary="samples of Every Eval Ever", interpretation=every_eval_ever.INTERPRETATION,
    ),
    "weave": Format(
        recognise=lambda file: file.names >= {"op_name", "inputs", "output"},
        read=weave_calls.read, suffixes=(".jsonl", ".json"),
        summary="calls of an evaluation of Weave, exported as JSONL or JSON",
        interpretation=weave_calls.INTERPRETATION,
    ),
    "xlsx": Format(
        recognise=lambda file: file.kind == "xlsx",
        read=xlsx.read, suffixes=(".xlsx", ".xlsm"), is_plain=True,
        summary="a sheet of an Excel workbook, whose first row names the columns",
    ),
    "table": Format(
        recognise=lambda file: file.names >= {"columns", "data"},
        read=column_table.read, suffixes=(".json",), is_plain=True,
        summary="a table of W&B or pandas, JSON with columns and data",
    ),
    "parquet": Format(
        recognise=lambda file: file.kind == "parquet",
        read=parquet.read, suffixes=(".parquet",), is_plain=True,
        summary="Parquet, such as a data set: a row for each sample, or for each problem",
    ),
    "csv": Format(
        recognise=lambda file: file.kind == "csv",
        read=delimited.read, suffixes=(".csv", ".tsv", *PACKED), is_plain=True,
        summary="CSV or TSV whose header names the columns",
    ),
    "json": Format(
        recognise=lambda file: file.kind == "json" and file.has_rows,
        read=json_rows.read, suffixes=(".json", *PACKED), is_plain=True,
        summary="JSON: an array of rows, an object that holds one, or a single row",
    ),
    "jsonl": Format(  # any other text, so that its faults are named line by line
        recognise=lambda file: file.kind == "lines",
        read=jsonl.read, suffixes=(".jsonl", *PACKED), is_plain=True,
        summary="JSONL: a JSON object on each line",
    ),
})  # fmt: skip


def format_of(file: Path | FileBeginning) -> str | None:
    """Return the name of a file's format, None if it has none; ValueError if it is damaged."""
    beginning = file if isinstance(file, FileBeginning) else read_beginning(file)
    if beginning.kind == "xlsx":  # whatever its columns are called: no tool writes its files so
        return "xlsx"
    ordered = dict.fromkeys([*FORMATS.added_by, *FORMATS])  # those of plug-ins are asked first
    found = next((name for name in ordered if FORMATS[name].recognise(beginning)), None)
    if beginning.line and (found is None or FORMATS[found].is_plain):
        as_row = FileBeginning("lines", beginning.line)
        known = (name for name, row in FORMATS.items() if not row.is_plain)
        return next((name for name in known if FORMATS[name].recognise(as_row)), found)
    return found
