"""Made by large-language-monkeys' ``llmonk/utils.py``, ``generate/*.py`` and ``evaluate/*.py``."""

import pytest
import yaml

from workbench.interchange.readers.find_files import find_files


def saved(path, **changes):
    """Write a file as ``save_yaml`` of large-language-monkeys does; the contents are made up."""
    row = {"prompt": "Question: What is 2+2?\nAnswer:", "question": "What is 2+2?",
           "samples": ["2+2=4\n#### 4", "#### 5"], "gt_answer": "two and two\n#### 4",
           "is_corrects": [True, False]} | changes  # fmt: skip
    path.write_text(yaml.dump({k: v for k, v in row.items() if v != "gone"}, sort_keys=True))
    return path


def test_a_file_is_a_problem_and_its_lists_are_its_samples(rows_of, tmp_path):
    saved(tmp_path / "7.yaml")
    saved(tmp_path / "8.yaml", is_corrects=[True, True], gt_answer=r"so \boxed{\frac{1}{2}}.")
    (tmp_path / "config.yaml").write_text("model: m\n")
    files, name = find_files([tmp_path])
    assert ([f.name for f in files], name) == (["7.yaml", "8.yaml"], "monkeys")
    rows = [row for file in files for row in rows_of(file, fmt="monkeys")]
    assert [(r.problem_id, r.correct, r.gold) for r in rows] == [
        ("7", True, "4"), ("7", False, "4"),
        ("8", True, r"\frac{1}{2}"), ("8", True, r"\frac{1}{2}"),
    ]  # fmt: skip
    assert (rows[0].text, rows[0].problem) == ("2+2=4\n#### 4", "What is 2+2?")


def test_a_file_that_was_not_graded_or_is_damaged(rows_of, tmp_path):
    path = saved(tmp_path / "7.yaml", is_corrects="gone")
    assert [r.correct for r in rows_of(path)] == [None, None]
    with pytest.raises(ValueError, match="is_corrects: there are 1 for 2 samples"):
        rows_of(saved(path, is_corrects=[True]))
    path.write_text("question: q\nsamples: [a, b\n")
    with pytest.raises(ValueError, match=r"7\.yaml cannot be read as YAML"):
        rows_of(path)


def test_a_graded_file_of_code_contests_has_its_name_inside_and_no_suffix(rows_of, tmp_path):
    name = "1575_A. Another Sorting Problem"
    more = {"gt_answer": "gone", "test_cases": {"input": ["1"], "output": ["1"]}}
    drawn = saved(tmp_path / f"{name}.yaml", **more, is_corrects="gone")
    graded = saved(tmp_path / name, **more, name=name, solutions=["print(1)", None])
    for path in (drawn, graded):
        assert {row.problem_id for row in rows_of(path, fmt="monkeys")} == {name}
    assert find_files([tmp_path])[0] == (drawn,)
    drawn.unlink()
    (tmp_path / "notes").write_text("about these files")
    assert find_files([tmp_path]) == ((graded,), "monkeys")
