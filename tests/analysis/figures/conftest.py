"""Runs of hand-written tables, and what a chart holds."""

import json

import pandas as pd
import pytest

from workbench import load_run


def luminance(colour):
    """Relative luminance of WCAG 2.2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.fixture(scope="session")
def contrast():
    """A function: two colours -> their contrast, 1 to 21."""

    def of(one, other):
        low, high = sorted([luminance(one), luminance(other)])
        return (high + 0.05) / (low + 0.05)

    return of


@pytest.fixture(scope="session")
def lines():
    """A function: chart -> {panel's title: the rows of its points}."""

    def read(chart):
        spec = chart.to_dict()
        found = {}
        for panel in spec["concat"]:
            data = panel["layer"][-1].get("data") or panel.get("data") or spec["data"]
            found[panel["title"]] = pd.DataFrame(spec["datasets"][data["name"]])
        return found

    return read


@pytest.fixture(scope="session")
def dashed():
    """A function: chart, panel's place -> the rows of its dashed line."""

    def read(chart, place):
        spec = chart.to_dict()
        layer = spec["concat"][place]["layer"][0]
        assert layer["mark"]["strokeDash"]
        return spec["datasets"][layer["data"]["name"]]

    return read


@pytest.fixture(scope="session")
def words():
    """A function: chart -> the lines that stand where there are no panels, and under them."""

    def read(chart):
        spec = chart.to_dict()
        panels = [panel.get("mark", {}) for panel in spec["concat"]]
        inside = [line for mark in panels for line in mark.get("text", [])]
        return " ".join([*inside, *spec["title"]["text"]])

    return read


@pytest.fixture
def with_tables(finished, tmp_path):
    """A function: {table: (frame, first note)} -> a run that has just these tables."""

    def make(tables):
        root = tmp_path / "run"
        (root / "tables").mkdir(parents=True)
        (root / "experiment.yaml").write_bytes((finished[1] / "experiment.yaml").read_bytes())
        manifest = json.loads((finished[1] / "manifest.json").read_text())
        (root / "manifest.json").write_text(json.dumps(manifest | {"signature": "hand|made"}))
        for name, (frame, note) in tables.items():
            frame.to_csv(root / "tables" / f"{name}.csv", index=False)
            (root / "tables" / f"{name}.md").write_text(f"## {name}\n\n- {note}\n- more\n")
        return load_run(root)

    return make
