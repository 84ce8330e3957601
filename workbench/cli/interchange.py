"""The commands that read and write the files of other tools: ``import`` and ``export``."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option


def import_(
    files: Annotated[
        list[Path], Argument(help="Files of samples, or folders of them; what they are is noticed.")
    ],
    out: Annotated[
        Path | None, Option(metavar="FOLDER", help="The run's folder. Default: results/NAME.")
    ] = None,
    column: Annotated[
        list[str] | None,
        Option(
            metavar="OURS=THEIRS",
            help="A column's name in the file, or a path: text=response.body.text.",
        ),
    ] = None,
    where: Annotated[
        list[str] | None, Option(metavar="COLUMN=VALUE", help="Take these rows only: model=NAME.")
    ] = None,
    compare: Annotated[
        str | None,
        Option(
            help="How answers are compared: exact, integer, numeric, choice or math. "
            "Default: as suits the known answers."
        ),
    ] = None,
    regrade: Annotated[
        bool, Option("--regrade", help="Grade afresh; put aside given answers, correctness.")
    ] = False,
    reward_scale: Annotated[
        str, Option(help="What a reward is: probability, logit or log (a log-probability).")
    ] = "probability",
    allow_empty: Annotated[
        bool, Option("--allow-empty", help="Import samples of which every text is empty.")
    ] = False,
    dry_run: Annotated[
        bool,
        Option("--dry-run", help="Say what the files would be imported as, and write nothing."),
    ] = False,
    overrides: Annotated[
        list[str] | None,
        Option("--set", metavar="KEY=VALUE", help="Replace a setting: 'measure.k=[2, 4]'."),
    ] = None,
) -> None:
    """Make a run of samples that exist already.

    `workbench run FOLDER` then analyses it.

    Reads what common tools write, such as Inspect, lm-evaluation-harness and lighteval (the README
    lists them), and plain rows: JSONL, JSON, CSV, TSV, packed by gzip, bzip2, xz, zstd or zip or
    not, Parquet or a sheet of an Excel workbook (xlsx). A plain row is a sample, or a problem with
    a list of samples.
    It needs the columns problem_id (or the question) and text; problem, gold, model, prompt_style,
    temperature, sample_index, seed, max_tokens, top_p, answer, correct, token_logprobs, logprob,
    mean_logprob, num_tokens, mean_entropy, stop_reason, reward, thought (or reasoning,
    reasoning_content) and num_thought_tokens are used where they are there, and so are other common
    names of them. What was taken for what is printed first.

    These decide which samples count as correct: --column gold=..., answer=..., correct=... (which
    column is the known answer, the sample's, and their agreement); --regrade (whether given
    answers and correctness are put aside); --compare, and --set task.last_number=true or false
    (whether the last number is the answer where a text marks none). Where --compare and
    task.last_number are not given, the known answers and the texts decide, and the import says how.
    """
    from analysis.aggregate import AGGREGATORS
    from workbench.interchange.import_preview import preview
    from workbench.interchange.importer import import_file
    from workbench.interchange.sample_files import SampleFiles

    source = SampleFiles.from_options(files, column or (), where or (), reward_scale)
    if dry_run:
        print(preview(source))
        return
    root = out or Path("results") / files[0].name.partition(".")[0]
    print(import_file(source, root, AGGREGATORS, compare, regrade, overrides or (), allow_empty))


def export(
    run: Annotated[Path, Argument(help="The folder of a scored run.")],
    to: Annotated[str, Option(help="inspect, lm-eval, jsonl or hub-dataset.")],
    out: Annotated[
        Path | None,
        Option(metavar="PATH", help="A new file (jsonl) or folder. Default: RUN/export/FORMAT."),
    ] = None,
) -> None:
    """Write a run's samples as the files of another tool.

    Answers, correctness and rewards go with them.
    `workbench import` reads them again; the command for that is printed.
    """
    from workbench.interchange.exporter import export_run
    from workbench.run import Run

    print(export_run(Run(run), to, out))
