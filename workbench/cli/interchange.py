"""The commands that read and write the files of other tools: ``import`` and ``export``."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from workbench.cli.options import Columns, Out, Override, RunFolder, out_option


def import_(
    files: Annotated[
        list[Path],
        Argument(help="Files of samples, or folders of them. Their format is recognised."),
    ],
    out: Out = None,
    column: Columns = None,
    where: Annotated[
        list[str] | None,
        Option(metavar="COLUMN=VALUE", help="Take only the rows with this value: model=NAME."),
    ] = None,
    compare: Annotated[
        str | None,
        Option(
            metavar="COMPARISON",
            help="How answers are compared: exact, integer, numeric, choice, math, text, contains "
            "or regex. By default the known answers decide.",
        ),
    ] = None,
    regrade: Annotated[
        bool,
        Option("--regrade", help="Grade the texts again, whatever answers the file gives."),
    ] = False,
    reward_scale: Annotated[
        str,
        Option(
            metavar="SCALE",
            help="What the rewards in the file are: probability, logit or log.",
        ),
    ] = "probability",
    allow_empty: Annotated[
        bool, Option("--allow-empty", help="Import the samples even if all their texts are empty.")
    ] = False,
    dry_run: Annotated[
        bool,
        Option("--dry-run", help="Say what would be taken for what, and write nothing."),
    ] = False,
    overrides: Override = None,
) -> None:
    """Make a run of samples that exist already.

    `workbench run FOLDER` then analyses it. FOLDER is results/NAME by the name of the first file,
    unless --out says otherwise.

    The import reads what common tools write, such as Inspect, lm-evaluation-harness and lighteval
    (`workbench list formats` names them all), and rows of your own. These may be JSONL, JSON, CSV
    or TSV, packed by gzip, bzip2, xz, zstd or zip or not packed, Parquet, or a sheet of an Excel
    workbook (xlsx). A row is a sample, or a problem with a list of samples.

    The columns problem_id (or the question) and text are needed. These are used if they are there:
    problem, gold, model, prompt_style, temperature, condition, sample_index, seed, max_tokens,
    top_p, top_k, min_p, repetition_penalty, answer, correct, token_logprobs, logprob, mean_logprob,
    num_tokens, mean_entropy, stop_reason, reward, thought (or reasoning, reasoning_content) and
    num_thought_tokens. Other common names of them are understood. What was taken for what is
    printed first.

    Samples of one problem that differ in temperature, or in the name in the column condition, are
    pools of their own.

    Four things decide which samples count as correct. --column gold=..., answer=... and correct=...
    say which columns hold the known answer, the sample's answer and whether it is right. --regrade
    puts given answers and correctness aside. --compare says how answers are compared. --set
    task.last_number=true or false says whether the last number is the answer of a text that marks
    none. Without the last two, the known answers and the texts decide, and the import says how.
    """
    from workbench.analysis.aggregate import AGGREGATORS
    from workbench.experiment import load_named_plugins
    from workbench.interchange.import_preview import preview
    from workbench.interchange.importer import import_file
    from workbench.interchange.sample_files import SampleFiles

    load_named_plugins(overrides or ())  # their formats are among those that are recognised
    source = SampleFiles.from_options(files, column or (), where or (), reward_scale)
    if dry_run:
        print(preview(source, compare, regrade, overrides or ()))
        return
    root = out or Path("results") / files[0].name.partition(".")[0]
    print(import_file(source, root, AGGREGATORS, compare, regrade, overrides or (), allow_empty))


def export(
    run: RunFolder,
    to: Annotated[
        str,
        Option(metavar="FORMAT", help="The format: inspect, lm-eval, jsonl or hub-dataset."),
    ],
    out: Annotated[Path | None, out_option("RUN/export/FORMAT", "PATH")] = None,
) -> None:
    """Write the samples of a run as the files of another tool.

    The run must have been scored. The format jsonl is a file, the others are folders. Answers,
    correctness and rewards are written with them. `workbench import` reads the files again; the
    command for that is printed.
    """
    from workbench.core.plugins import load_installed
    from workbench.interchange.exporter import export_run
    from workbench.saved_run import Run

    load_installed()
    print(export_run(Run(run), to, out))
