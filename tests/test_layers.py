"""Imports go down, none in a circle, and the light half loads nothing heavy."""

import subprocess
import sys
from pathlib import Path

import grimp
import networkx as nx
import pytest

ROOT = Path(__file__).parents[1]
HEAVY = {
    "torch", "transformers", "vllm", "sentence_transformers", "wandb", "altair", "datasets",
    "vl_convert", "statsmodels", "openai", "httpx2",
}  # fmt: skip
LIGHT = [
    "workbench", "workbench.metrics", "workbench.experiment", "workbench.generate.stage",
    "workbench.score.stage", "workbench.measure.stage", "workbench.saved_run",
    "workbench.tracking.wandb_run", "workbench.cli.run_stages", "workbench.cli.app",
]  # fmt: skip
DOORS = {
    f"workbench.cli.{name}"
    for name in (
        "app", "check", "correction", "help_layout", "init", "interchange", "list_names", "options",
        "pages", "rewards", "runs", "show", "stages", "tracking", "validate", "watch",
    )
}  # fmt: skip
ONLY = {  # the modules that may import a package, wherever in the file
    "wandb": {"workbench.tracking.wandb_run", "workbench.tracking.dashboard"},
    "wandb_workspaces": {
        "workbench.tracking.dashboard",
        "workbench.tracking.dashboard_panels",
    },
    "trackio": {"workbench.tracking.trackio_run"},
    "vllm": {"workbench.models.vllm_engine"},
    "openai": {"workbench.generate.openai", "workbench.generate.openai_traffic"},
    "sentence_transformers": {"workbench.models.text_encoder"},
    "altair": {
        "workbench.analysis.figures.chart",
        "workbench.analysis.figures.faceted_panels",
        "workbench.analysis.figures.panel_marks",
    },
    "vl_convert": {"workbench.analysis.figures.chart", "workbench.analysis.page.html"},
    "jinja2": {
        "workbench.core.table_html",
        "workbench.models.chat_template",
        "workbench.models.tokenization",
        "workbench.rewards.outcome_prompt",
        "workbench.tasks.prompt_template",
    },
    "typer": DOORS,
}
FRONT_DOORS = {"workbench", "workbench.cli"}
MOST_FLOORS = 10
MOST_ROOMS = 26
ROOMS_OF_NAMES = (
    "workbench.metrics", "workbench.tasks", "workbench.generate", "workbench.rewards",
    "workbench.interchange.readers", "workbench.interchange.writers", "workbench.analysis.tables",
)  # fmt: skip


def graph_of(*packages):
    """(importer, imported) of every module, deferred imports and those for types counted."""
    return grimp.build_graph(*packages, include_external_packages=True, cache_dir=None)


@pytest.fixture(scope="module")
def graph():
    return graph_of("workbench")


def circles(graph):
    edges = nx.DiGraph()
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            edges.add_edge(module, imported)
    return [sorted(found) for found in nx.strongly_connected_components(edges) if len(found) > 1]


def room_of(module):
    """A package just inside ``workbench`` or a module there; all of ``analysis`` is one floor."""
    return ".".join(module.split(".")[:2])


def test_no_import_makes_a_circle(graph):
    assert circles(graph) == []


def test_a_deferred_import_counts(tmp_path, monkeypatch):
    (tmp_path / "house").mkdir()
    (tmp_path / "house" / "__init__.py").touch()
    (tmp_path / "house" / "low.py").write_text("def f():\n    from house import high\n")
    (tmp_path / "house" / "high.py").write_text("import house.low\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert circles(graph_of("house")) == [["house.high", "house.low"]]


def test_floors_and_rooms_are_few(graph):
    rooms = nx.DiGraph()
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            if imported.split(".")[0] == "workbench" and module != "workbench":
                rooms.add_edge(room_of(module), room_of(imported))
    rooms.remove_edges_from(list(nx.selfloop_edges(rooms)))
    assert nx.is_directed_acyclic_graph(rooms)
    assert nx.dag_longest_path_length(rooms) + 1 <= MOST_FLOORS
    packages = [path.parent for path in ROOT.glob("*/**/__init__.py")]
    seen = [p for p in packages if p.relative_to(ROOT).parts[0] in ("workbench", "analysis")]
    assert len([p for p in seen if len(p.relative_to(ROOT).parts) <= 2]) <= MOST_ROOMS


@pytest.mark.parametrize("room", ROOMS_OF_NAMES)
def test_a_file_without_a_line_in_its_table_is_noticed(graph, room):
    sources = "".join(path.read_text() for path in (ROOT / room.replace(".", "/")).glob("*.py"))
    for module in graph.find_children(room):
        used = graph.find_modules_that_directly_import(module) or f'"{module}"' in sources
        assert used, f"nothing imports {module}: give it a row in the table of {room}/__init__.py"


def test_no_backend_imports_another(graph):
    """As the contract in pyproject.toml, but for every module with a ``sample`` function."""
    backends = {
        f"workbench.generate.{path.stem}"
        for path in (ROOT / "workbench" / "generate").glob("*.py")
        if "\ndef sample(" in path.read_text()
    }
    assert len(backends) >= 5
    for backend in backends:
        found = graph.find_modules_directly_imported_by(backend) & (backends - {backend})
        assert not found, f"{backend} imports {found}"


def test_the_light_half_loads_nothing_heavy():
    code = "import sys, importlib\nfor name in sys.argv[1:]:\n"
    code += "    importlib.import_module(name)\n    print(name, *sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code, *LIGHT], capture_output=True, text=True, check=True, cwd=ROOT
    )
    for line in run.stdout.splitlines():
        module, *names = line.split()
        loaded = {name.partition(".")[0] for name in names}
        assert not loaded & HEAVY, module
        assert "workbench.analysis" not in names or module.startswith("workbench.cli"), module


@pytest.mark.parametrize("package", ONLY)
def test_a_package_has_one_door(graph, package):
    users = graph.find_modules_that_directly_import(package)
    assert users <= ONLY[package]
    assert users  # or the name is wrong and the test proves nothing


def test_the_workbench_does_not_import_the_analysis(graph):
    for module in graph.modules:
        found = graph.find_modules_directly_imported_by(module)
        if any(room_of(name) == "workbench.analysis" for name in found):
            assert room_of(module) in ("workbench.analysis", *FRONT_DOORS), module


def test_no_source_imports_a_test_or_a_notebook(graph):
    assert not {module.split(".")[0] for module in graph.modules} & {"tests", "notebooks"}
