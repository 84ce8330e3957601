import json

import pyarrow.parquet as pq

from workbench import load_run
from workbench.tracking.artifacts import reward_model_artifact, run_artifacts


def test_each_artifact_is_made_from_the_one_before(finished):
    run = load_run(finished[1])
    found = run_artifacts(run.root, run.experiment.name, run.manifest)
    assert [bundle.kind for bundle in found] == ["samples", "scores", "subsets", "tables"]
    assert [bundle.name for bundle in found] == [f"tested-{bundle.kind}" for bundle in found]
    assert [bundle.metadata.get("made_from") for bundle in found] == [
        None, "tested-samples", "tested-scores", "tested-subsets",
    ]  # fmt: skip
    for bundle in found[:3]:
        assert {path.parent.name for path in bundle.files} == {bundle.kind}
        rows = sum(pq.read_table(path).num_rows for path in bundle.files)
        assert bundle.metadata["rows"] == rows == len(getattr(run, bundle.kind))
        assert len(bundle.files) == bundle.metadata["files"] == 3
    names = {path.name for path in found[3].files}
    assert {"accuracy_by_k.csv", "accuracy_by_k.md"} <= names
    for bundle in found:
        stage = run.manifest["stages"][bundle.metadata["stage"]]
        assert bundle.metadata["fingerprint"] == stage["fingerprint"]
        assert bundle.metadata["signature"] == run.signature
        json.dumps(bundle.metadata)


def test_samples_that_were_imported_say_from_where(cli, tmp_path):
    rows = [{"problem_id": "p", "text": f"answer {i}", "gold": "1"} for i in range(4)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    cli.must("import", tmp_path / "rows.jsonl", "--out", tmp_path / "run")
    run = load_run(tmp_path / "run")
    samples, *_ = run_artifacts(run.root, run.experiment.name, run.manifest)
    assert samples.metadata["rows"] == 4
    assert "rows.jsonl" in json.dumps(samples.metadata["imported"])


def test_a_reward_model_keeps_its_weights_to_itself(tmp_path):
    out = tmp_path / "a model"
    bundle = reward_model_artifact(out, "orm|x", {"seed": 1})
    assert bundle.name == "a_model"
    assert [path.name for path in bundle.files] == ["split.csv", "held_out.parquet"]
    assert bundle.metadata == {"signature": "orm|x", "folder": str(out), "seed": 1}
