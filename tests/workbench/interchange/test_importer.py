import json
import random

import pyarrow.parquet as pq
import pytest

from workbench.analysis.aggregate import AGGREGATORS
from workbench.interchange import block_writer, importer
from workbench.interchange.importer import import_file
from workbench.interchange.sample_files import SampleFiles
from workbench.saved_run import Run
from workbench.storage.parquet import STORED_KEY

CHEAP = ("measure.metrics=[distinct_1, distinct_texts]", "selection.aggregators=[maj]")


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def rows_of(problems=3, temperatures=(0.0, 0.5, None), n=4, **more):
    return [
        {
            "problem_id": f"p{p}", "problem": f"Question {p}?", "gold": str(p), "temperature": t,
            "sample_index": i, "text": f"{p} {t} {i}", "correct": i == 0, "answer": str(p + i),
        } | more
        for p in range(problems) for t in temperatures for i in range(n)
    ]  # fmt: skip


def bring(path, root, *, columns=(), where=(), scale="probability", overrides=CHEAP, **options):
    files = SampleFiles.from_options([path], columns, where, scale)
    return import_file(files, root, overrides=overrides, aggregators=AGGREGATORS, **options)


@pytest.fixture
def file(tmp_path):
    return write(tmp_path / "samples.jsonl", rows_of())


def stored(root, table="samples"):
    paths = sorted((root / table).glob("block-*.parquet"))
    return [row for path in paths for row in pq.ParquetFile(path).read().to_pylist()]


def test_a_run_folder_like_any_other(file, tmp_path):
    said = bring(file, tmp_path / "run")
    assert "imported      36 samples of 3 problems, model unknown" in said
    assert "temperatures  0, 0.5, unknown" in said
    assert "pools         9 of 4 samples" in said
    assert said.endswith(f"next          workbench run {tmp_path / 'run'}")
    samples = stored(tmp_path / "run")
    assert len(samples) == 36
    assert [s["temperature"] for s in samples[:12]] == [0.0] * 4 + [0.5] * 4 + [None] * 4
    assert [s["condition"] for s in samples[:12]] == ["T0"] * 4 + ["T0.5"] * 4 + ["unknown"] * 4
    assert samples[11] | {"problem_id": "p0", "completion": "p0 None 3"[1:]} == samples[11]
    assert {s["stop_reason"] for s in samples} == {s["seed"] for s in samples} == {None}
    assert (
        {s["num_output_tokens"] for s in samples} == {s["mean_logprob"] for s in samples} == {None}
    )
    given = stored(tmp_path / "run", "given")
    assert list(given[0]) == [*STORED_KEY, "answer", "is_correct"]
    run = Run(tmp_path / "run")
    assert run.problems["question"].tolist() == [f"Question {p}?" for p in range(3)]
    assert run.problems["gold"].tolist() == ["0", "1", "2"]
    assert run.experiment.generation.temperatures == (0.0, 0.5, None)
    assert run.experiment.measure.k == (2, 4)
    assert run.signature.startswith("jsonl|unknown|T:0,0.5,unknown|N:4|imported|")
    assert run.manifest["stages"]["generate"]["status"] == "done"
    assert not (tmp_path / "run" / block_writer.PART).exists()


def test_any_order_of_rows_and_any_size_of_blocks_gives_the_same_samples(
    tmp_path, monkeypatch, blocks
):
    rows = rows_of(problems=7)
    bring(write(tmp_path / "a.jsonl", rows), tmp_path / "one")
    # the order of problems is that of their first rows; within them rows are put in order
    shuffled = rows[:]
    random.Random(5).shuffle(shuffled)
    first = [next(r for r in rows if r["problem_id"] == f"p{p}") for p in range(7)]
    shuffled = first + [r for r in shuffled if r not in first]
    blocks(tmp_path / "many", 2)
    monkeypatch.setattr(block_writer, "BUFFERED", 500)
    bring(write(tmp_path / "b.jsonl", shuffled), tmp_path / "many")
    assert len(list((tmp_path / "many" / "samples").iterdir())) == 4
    assert stored(tmp_path / "many") == stored(tmp_path / "one")
    assert stored(tmp_path / "many", "given") == stored(tmp_path / "one", "given")


def test_samples_are_numbered_in_order_where_they_are_not_and_gaps_are_closed(tmp_path):
    plain = [{k: v for k, v in r.items() if k != "sample_index"} for r in rows_of(1, (0.5,), 3)]
    bring(write(tmp_path / "a.jsonl", plain), tmp_path / "a")
    assert [(s["sample_index"], s["completion"]) for s in stored(tmp_path / "a")] == [
        (0, "0 0.5 0"), (1, "0 0.5 1"), (2, "0 0.5 2"),
    ]  # fmt: skip
    odd = [r | {"sample_index": 10 - 3 * r["sample_index"]} for r in rows_of(2, (0.5,), 3)]
    said = bring(write(tmp_path / "b.jsonl", odd), tmp_path / "b")
    assert "renumbered    2 pools" in said
    assert [(s["sample_index"], s["completion"]) for s in stored(tmp_path / "b")][:3] == [
        (0, "0 0.5 2"), (1, "0 0.5 1"), (2, "0 0.5 0"),
    ]  # fmt: skip


def test_what_a_file_has_decides_rewards_metrics_and_selections(tmp_path):
    def settings(name, **more):
        said = bring(write(tmp_path / f"{name}.jsonl", rows_of(**more)), tmp_path / name,
                     overrides=())  # fmt: skip
        run = Run(tmp_path / name)
        return said, run.experiment, run.manifest["imported"]["left_out"]

    said, bare, left = settings("bare", answer=None, gold=None)
    assert bare.scoring.rewards == ()
    assert bare.selection.reward is None
    assert bare.selection.aggregators == ("sem_mbr", "lex_mbr")
    assert bare.measure.metrics == ("cos_sim", "distinct_3", "distinct_texts", "dpp")
    assert left == {
        "avg_log_prob": "no log-probabilities", "qual_dpp": "no log-probabilities",
        "num_tokens": "no token counts", "maj": "no answers", "weighted": "no answers",
        "best": "no reward",
    }  # fmt: skip
    assert "avg_log_prob, qual_dpp (no log-probabilities); num_tokens (no token counts)" in said
    _, likely, left = settings("likely", logprob=-6, num_tokens=3)
    assert likely.scoring.rewards == ("likelihood",)
    assert likely.selection.reward == "likelihood"
    assert not left
    assert {s["mean_logprob"] for s in stored(tmp_path / "likely")} == {-2.0}
    _, judged, _ = settings("judged", mean_logprob=-2, reward=0.5)
    assert judged.scoring.rewards == ("given",)
    assert "avg_log_prob" in judged.measure.metrics
    assert "num_tokens" not in judged.measure.metrics


def test_pools_of_several_sizes_are_said_and_one_of_one_sample_has_subsets_of_one(tmp_path):
    said = bring(write(tmp_path / "a.jsonl", rows_of()[:-3]), tmp_path / "a")
    assert "pools         8 of 4, 1 of 1 samples" in said
    said = bring(write(tmp_path / "b.jsonl", rows_of(n=1)), tmp_path / "b")
    assert Run(tmp_path / "b").experiment.measure.k == (1,)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: rows.append(rows[4] | {"text": "again"}),
         ["line 37: sample 0 of 'p0' at temperature 0.5 is also at line 5; keep one"]),
        (lambda rows: rows.append(rows[8]), ["line 37: sample 0", "temperature null", "line 9"]),
        (lambda rows: rows[7].update(gold="9"), ["line 8: gold: 'p0' has another one", "line 1"]),
        (lambda rows: rows[7].update(problem="?"), ["line 8: problem: 'p0' has another one"]),
        (lambda rows: rows[7].update(model="b"), ["2 models", "None (35)", "'b' (1)",
                                                  "--where model=VALUE"]),
        (lambda rows: rows[7].update(prompt_style="b"), ["2 prompt_styles"]),
        (lambda rows: rows[7].pop("sample_index"), ["sample_index on 35 of 36 rows"]),
    ],
)  # fmt: skip
def test_rows_that_contradict_one_another_leave_nothing_behind(tmp_path, change, words):
    rows = rows_of()
    change(rows)
    with pytest.raises(ValueError, match=r"samples\.jsonl") as fault:
        bring(write(tmp_path / "samples.jsonl", rows), tmp_path / "run")
    for word in words:
        assert word in str(fault.value)
    left = {p.name for p in (tmp_path / "run").glob("*")}
    assert left <= {".lock", "manifest.json"}
    bring(write(tmp_path / "mended.jsonl", rows_of()), tmp_path / "run")  # and it stands in no way


def test_a_gold_or_question_said_once_is_enough(tmp_path):
    silent = {"gold": None, "problem": None}
    rows = [row if i == 5 else row | silent for i, row in enumerate(rows_of(1))]
    bring(write(tmp_path / "a.jsonl", rows), tmp_path / "a")
    assert Run(tmp_path / "a").problems.loc[0, "question"] == "Question 0?"
    assert Run(tmp_path / "a").problems.loc[0, "gold"] == "0"


def test_the_same_again_is_up_to_date_and_takes_new_settings(file, tmp_path, capsys):
    root = tmp_path / "run"
    said = bring(file, root)
    before = {p: p.stat().st_mtime_ns for p in root.rglob("*.parquet")}
    capsys.readouterr()
    assert bring(file, root) == said
    assert "up to date" in capsys.readouterr().err
    bring(file, root, overrides=(*CHEAP, "measure.k=[3]"))
    assert Run(root).experiment.measure.k == (3,)
    assert {p: p.stat().st_mtime_ns for p in root.rglob("*.parquet")} == before


def test_another_file_or_reading_and_another_run_are_refused(file, tmp_path):
    bring(file, tmp_path / "run")
    other = write(tmp_path / "other.jsonl", rows_of(2))
    with pytest.raises(ValueError, match=r"holds another import \(its file differ\)"):
        bring(other, tmp_path / "run")
    with pytest.raises(ValueError, match=r"another import \(its where differ\)"):
        bring(file, tmp_path / "run", where=["temperature=0"])
    (tmp_path / "drawn").mkdir()
    (tmp_path / "drawn" / "manifest.json").write_text('{"identity": {"backend": "vllm"}}')
    with pytest.raises(ValueError, match="holds a run with its own samples"):
        bring(file, tmp_path / "drawn")


@pytest.mark.parametrize(
    ("module", "moment"),
    [
        (block_writer, "_spread"), (block_writer, "write_table"), (block_writer, "_given_table"),
        (importer, "drawing_settings"),
    ],
)  # fmt: skip
def test_an_import_that_was_cut_short_is_made_again_from_the_start(
    file, tmp_path, monkeypatch, module, moment
):
    class Killed(BaseException):
        pass

    def die(*args, **options):
        raise Killed

    root = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(module, moment, die)
        with pytest.raises(Killed):
            bring(file, root)
    if moment == "write_table":  # a kill leaves what an exception tidies up
        (root / block_writer.PART).mkdir()
        (root / block_writer.PART / "rows-0").write_text("half a li")
        (root / "samples").mkdir()
        (root / "samples" / "block-00000.000.parquet").write_text("half a fi")
    with pytest.raises(ValueError, match=r"no experiment\.yaml"):
        Run(root)
    bring(file, root)
    bring(file, tmp_path / "fresh")
    assert stored(root) == stored(tmp_path / "fresh")


def test_a_lost_block_is_made_again(file, tmp_path, blocks):
    blocks(tmp_path / "run", 1)
    bring(file, tmp_path / "run")
    before = stored(tmp_path / "run")
    (tmp_path / "run" / "samples" / "block-00001.000.parquet").unlink()
    bring(file, tmp_path / "run")
    assert stored(tmp_path / "run") == before


def test_what_cannot_be_asked_of_imported_samples(file, tmp_path):
    def refused(*overrides, **options):
        with pytest.raises(ValueError, match=r"\S") as fault:
            bring(file, tmp_path / "run", overrides=overrides, **options)
        assert not (tmp_path / "run").exists()
        return str(fault.value)

    assert "no imported samples at 0.7 (there are: 0, 0.5, null)" in refused(
        "generation.temperatures=[0.5, 0.7]"
    )
    assert "the largest imported pool has 4 samples" in refused("generation.n=5")
    assert "subsets of 8 samples need generation.n of at least 8, got 4; lower k" in refused(
        "measure.k=[8]"
    )
    assert "have the backend 'import'" in refused(
        "generation.backend=replay", "generation.temperatures=[0.5]", f"task.source={file}"
    )
    assert "did you mean 'choice'" in refused(compare="choise")
    assert "--set measure.metrics: unknown metric 'dp'" in refused("measure.metrics=[dp]")
    bare = write(tmp_path / "bare.jsonl", rows_of(gold=None))
    with pytest.raises(ValueError, match=r"--regrade needs known answers, and .* has no gold"):
        bring(bare, tmp_path / "run", regrade=True)
