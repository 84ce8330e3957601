"""Make the samples of ``temperature_gpt35.ipynb`` from the files that Renze and Guven publish.

    git clone --depth 1 https://github.com/matthewrenze/jhu-llm-temperature
    python notebooks/gpt35_samples.py jhu-llm-temperature results/gpt35.jsonl.gz

Their folder ``data/responses`` has a CSV file of texts for each model, prompt, exam and
temperature, and ``data/details`` one of the same name with the questions, known answers and
answers found.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

NAME = "gpt-35-turbo - chain_of_thought - {exam} - temp-{temperature}.csv"
EXAMS = ("aqua-rat-100", "sat-math-100")
TEMPERATURES = [f"{tenths / 10:.1f}" for tenths in range(11)]


def samples(clone: Path, exam: str, temperature: str) -> pd.DataFrame:
    """Return the samples of an exam at a temperature; what was never answered has no row."""
    name = NAME.format(exam=exam, temperature=temperature)
    texts, details = (
        pd.read_csv(clone / "data" / part / name, keep_default_na=False, dtype=str)
        for part in ("responses", "details")
    )
    known = {row["Problem ID"]: row for row in details.to_dict("records")}
    rows = [
        _sample(exam, temperature, known[row["Problem ID"]], int(row["Response ID"]), row["Text"])
        for row in texts.to_dict("records")
    ]
    return pd.DataFrame(rows)


def _sample(exam: str, temperature: str, known: dict, number: int, text: str) -> dict:
    question = known["Problem"].partition("Question: ")[2].strip()
    answer = known[f"Answer {number + 1}"] or None
    return {
        "problem_id": f"{exam}/{known['Problem ID']}",
        "problem": "\n".join(line.strip() for line in question.splitlines()),
        "gold": known["Correct Answer"],
        "model": "gpt-35-turbo",
        "temperature": float(temperature),
        "sample_index": number,
        "text": text,
        "answer": answer,
        "correct": answer == known["Correct Answer"],
    }


def all_samples(clone: Path) -> Iterator[pd.DataFrame]:
    """Yield the samples of both exams of mathematics at each temperature from 0 to 1."""
    for exam in EXAMS:
        for temperature in TEMPERATURES:
            yield samples(clone, exam, temperature)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit((__doc__ or "").partition("\n\n")[2])
    try:
        made = pd.concat(all_samples(Path(sys.argv[1])))
    except FileNotFoundError as missing:
        sys.exit(f"{missing.filename} is not there; give the folder of a clone (see above)")
    target = Path(sys.argv[2])
    target.parent.mkdir(parents=True, exist_ok=True)
    made.to_json(target, orient="records", lines=True)
    print(f"{len(made):,} samples of {made['problem_id'].nunique()} problems in {target}")
