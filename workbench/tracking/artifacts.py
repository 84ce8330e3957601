"""What a run keeps in W&B as artifacts: samples -> scores -> subsets -> tables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from workbench.tracking.wandb_run import SAMPLES, ArtifactFiles

STAGE_OF = {SAMPLES: "generate", "scores": "score", "subsets": "measure", "tables": "analyze"}
"""Kinds of artifact, in the order in which each is made from the one before, and their stages."""
FACTS = ("signature", "commit", "imported")
"""Of the manifest, in the metadata of every artifact, as far as they are there."""


def run_artifacts(root: Path, name: str, manifest: Mapping[str, Any]) -> list[ArtifactFiles]:
    """Return a run's artifacts, in the order in which they were made from one another.

    The rows behind the tables are whole Parquet files: a W&B table would stop at 200,000 rows.
    ``name`` is the experiment's.
    """
    found: list[ArtifactFiles] = []
    for kind, stage in STAGE_OF.items():
        endings = (".csv", ".md") if kind == "tables" else (".parquet",)
        files = sorted(path for path in (root / kind).glob("*") if path.suffix in endings)
        made_from = manifest.get("stages", {}).get(stage, {}).get("fingerprint", "")
        metadata: dict[str, Any] = {key: manifest[key] for key in FACTS if key in manifest}
        metadata |= {"stage": stage, "fingerprint": made_from, "files": len(files)}
        if kind != "tables":
            metadata["rows"] = sum(pq.read_metadata(path).num_rows for path in files)
        if found:
            metadata["made_from"] = found[-1].name
        found.append(ArtifactFiles(f"{name}-{kind}", kind, files, metadata))
    return found


def reward_model_artifact(out: Path, signature: str, made_from: Mapping[str, Any]) -> ArtifactFiles:
    """Return what is kept of a trained reward model: which problems it saw, how it judged others.

    The weights stay in the folder; their path is in the metadata.
    """
    name = re.sub(r"[^\w.-]", "_", out.resolve().name)
    files = [out / "split.csv", out / "held_out.parquet"]
    metadata = {"signature": signature, "folder": str(out.resolve()), **made_from}
    return ArtifactFiles(name, "reward-model", files, metadata)
