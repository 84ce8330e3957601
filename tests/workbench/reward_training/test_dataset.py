import os

import pandas as pd
import pytest

from workbench.reward_training.dataset import PARTS, prepare, read_labelled, split_by_problem
from workbench.reward_training.options import Training
from workbench.saved_run import Run

os.environ.setdefault("HF_HUB_OFFLINE", "1")
SETTINGS = Training(validation=0.15, test=0.2, seed=0)


def row(name, text, correct, **more):
    return {"problem_id": name, "text": text, "correct": correct} | more


def known(counts):
    """Rows of so many (right, wrong) samples per problem."""
    return pd.DataFrame(
        [
            {"problem": f"q{i}", "text": f"{i} {label} {j}", "right": label}
            for i, sizes in enumerate(counts)
            for label, size in zip((True, False), sizes, strict=True)
            for j in range(size)
        ]
    )


def test_what_is_unknown_or_contradictory_is_left_out_and_counted(graded):
    first = graded(
        [
            row("p0", "yes", True, logprob=-4.0, num_tokens=8, temperature=1.0),
            row("p0", "no", False, temperature=1.0),
            row("p0", "no", False, temperature=1.0),
            row("p0", "perhaps", None, temperature=1.0),
            row("p1", "yes", True, temperature=0.5),
        ]
    )
    other = graded([row("x", "no", True, problem="Problem p0?"), row("y", "Ünï", False)])
    found = read_labelled([Run(first), Run(other)])
    assert (found.samples, found.unknown, found.contradictory) == (7, 1, 3)
    rows = found.rows
    assert rows["text"].tolist() == ["Problem p0? yes", "Problem p1? yes", "Problem y? Ünï"]
    assert rows["right"].tolist() == [True, True, False]
    assert rows["run"].tolist() == [0, 0, 1]
    assert rows["mean_logprob"].tolist()[0] == -0.5
    assert rows["mean_logprob"].isna().tolist() == [False, True, True]
    again = read_labelled([Run(first), Run(other)])
    assert found.content == again.content
    assert found.content != read_labelled([Run(first)]).content


def test_a_question_is_one_problem_whatever_it_is_called(graded):
    rows = [row("a", f"text {i}", i % 2 == 0) for i in range(4)]
    runs = [Run(graded(rows)), Run(graded([r | {"problem_id": "b", "problem": "Problem a?"}
                                          for r in rows]))]  # fmt: skip
    assert read_labelled(runs).rows["problem"].nunique() == 1


@pytest.mark.parametrize("seed", range(5))
def test_no_problem_is_in_two_parts_and_each_part_has_its_share(seed):
    rows = known([(2, 3)] * 40 + [(0, 4)] * 20 + [(3, 0)] * 7).sample(frac=1, random_state=seed)
    parts = split_by_problem(rows, Training(validation=0.15, test=0.2, seed=seed))
    assert parts.index.equals(rows.index)
    per_problem = parts.groupby(rows["problem"]).nunique()
    assert (per_problem == 1).all()
    part_of = parts.groupby(rows["problem"]).first()
    both = part_of[[f"q{i}" for i in range(40)]].value_counts()
    assert both[list(PARTS)].tolist() == [26, 6, 8]
    others = part_of[[f"q{i}" for i in range(40, 67)]].value_counts()
    assert others[list(PARTS)].tolist() == [18, 4, 5]


def test_the_split_hangs_on_seed_and_questions_alone():
    rows = known([(2, 3)] * 30)
    parts = split_by_problem(rows, SETTINGS)
    backwards = split_by_problem(rows[::-1], SETTINGS)
    assert backwards[::-1].tolist() == parts.tolist()
    other = Training(validation=0.15, test=0.2, seed=1)
    assert split_by_problem(rows, other).tolist() != parts.tolist()


def test_the_smallest_split_has_a_problem_with_both_classes_in_each_part():
    rows = known([(1, 1), (1, 1), (1, 1), (5, 0)])
    parts = split_by_problem(rows, SETTINGS)
    assert rows.groupby(parts)["right"].nunique().to_dict() == dict.fromkeys(PARTS, 2)
    with pytest.raises(ValueError, match="too few problems to split: 2 of 4 have right and wrong"):
        split_by_problem(known([(1, 1), (1, 1), (5, 0), (0, 3)]), SETTINGS)
    with pytest.raises(ValueError, match="too few problems to split: 3 of 3"):
        split_by_problem(known([(1, 1)] * 3), Training(validation=0.45, test=0.5))


@pytest.mark.parametrize("shares", [(0.0, 0.2), (0.2, 0.0), (0.5, 0.5), (-1, 0.5)])
def test_shares_that_leave_a_part_empty_are_refused(shares):
    with pytest.raises(ValueError, match="each more than 0, and together less than 1, got"):
        Training(validation=shares[0], test=shares[1])


def test_runs_that_cannot_be_learnt_from_are_refused(graded):
    plain = graded([row("p0", "a", True), row("p0", "b", True), row("p0", "c", None)])
    with pytest.raises(ValueError, match=r"all 2 samples are right.*from one class"):
        read_labelled([Run(plain)])
    wrong = graded([row("p0", "a", False)])
    with pytest.raises(ValueError, match="all 1 samples are wrong"):
        read_labelled([Run(wrong)])
    with pytest.raises(ValueError, match="is given twice"):
        read_labelled([Run(plain), Run(plain.parent / "." / plain.name)])
    with pytest.raises(ValueError, match="not known of any of the 1 samples whether it is right"):
        read_labelled([Run(graded([row("p0", "a", None)]))])
    with pytest.raises(ValueError, match="has no scores yet; run `workbench score"):
        read_labelled([Run(graded([row("p0", "a", True)], score=False))])


def test_samples_drawn_after_the_scoring_are_asked_to_be_scored(cli, experiment, tmp_path):
    path, folder = experiment(), tmp_path / "run"
    cli.must("generate", path, "--out", folder)
    cli.must("score", path, "--out", folder)
    cli.must("generate", path, "--out", folder, "--set", "generation.n=9")
    with pytest.raises(ValueError, match=r"24 samples of .* are not scored yet; run `workbench sc"):
        read_labelled([Run(folder)])


def test_solutions_become_tokens_once_each_and_long_ones_are_left_out(graded, tiny_judge):
    rows = [row(f"p{i}", f"it is {j}", j % 2 == 0, temperature=1.0) for i in range(9)
            for j in (0, 1, 1)]  # fmt: skip
    rows.append(row("p0", "and one and " * 30, False, temperature=1.0))
    run = Run(graded(rows))
    labelled = read_labelled([run])
    task = prepare(labelled, str(tiny_judge), Training(max_model_len=100))
    assert task.counts["too_long"] == 1
    solutions = [list(task.solutions(part)) for part in PARTS]
    assert [len(part) for part in solutions] == [12, 2, 4] == [
        task.counts[part]["distinct"] for part in PARTS
    ]  # fmt: skip
    assert [task.counts[part]["samples"] for part in PARTS] == [18, 3, 6]
    ids, right = solutions[0][0]
    text = task.tokenizer.decode(ids)
    assert right
    assert text.endswith("it is 0<|im_end|>\n<|im_start|>assistant\n")
    table = task.problems([run])
    assert table["part"].value_counts()[list(PARTS)].tolist() == [6, 1, 2]
    assert set(table["problem_id"]) == {f"p{i}" for i in range(9)}
    assert table[["samples", "right"]].drop_duplicates().to_numpy().tolist() == [[3, 1]]
    assert set(table["run"]) == {str(run.root)}
    with pytest.raises(ValueError, match="28 of 28 samples are too long for 20 tokens"):
        prepare(labelled, str(tiny_judge), Training(max_model_len=20))
