"""Files and settings made to do harm: a clear message of a few lines, at once, and no traceback.

Each row stands for a kind; what each limit is for is beside it, in the file that has it.
"""

import gzip
import json
import zipfile

import pytest

GOOD = '{"id": "a", "problem": "What is 1 + 1?", "gold": "2"}\n'
SAMPLE = '{"problem_id": "p", "text": "t"}\n'
PEAK = """
import atexit, os, resource
def tell():
    open({path!r}, "w").write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))
real = os._exit
os._exit = lambda code: (tell(), real(code))
atexit.register(tell)
"""
MOST_MEMORY = 1 << 20  # kibibytes


def deep(count, opened="[", closed="]"):
    return opened * count + "1" + closed * count


def packed(text):
    return gzip.compress(text, 1)


ALIASES = "\n".join(
    ["engine: {a0: &a0 [1]"]
    + [f"  , a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    + ["  }"]
)
EXPERIMENTS = {
    "lists in lists": (f"x: {deep(5000)}", "nested more than 50 deep"),
    "mappings in mappings": (f"x: {deep(900, '{a: ', '}')}", "nested more than 50 deep"),
    "aliases of aliases": (ALIASES, "more than 20,000 values"),
    "an alias in itself": ("x: &x [*x]", "the alias *x is inside of the value it stands for"),
    "many keys": ("".join(f"k{i}: 1\n" for i in range(800_000)), "longer than 262,144"),
    "many unknown keys": ("".join(f"k{i}: 1\n" for i in range(300)), "more lines"),
    "half a surrogate": ('x: "\\ud83d"', "half a surrogate pair"),
    "another encoding": (b"x: \xe9\n", "not UTF-8 at byte"),
    "a key of bytes": ("!!binary aGk=: 1", "not valid YAML"),
}
SETTINGS = {
    "lists in lists": (f"generation.engine={deep(5000)}", "nested more than 50 deep"),
    "a key with many parts": (f"a{'.a' * 5000}=1", "the key has 5,001 parts"),
    "many lines": ("generation.engine=" + "[\n" * 40, "not valid YAML"),
    "no end": ("x" * 90_000, "expected KEY=VALUE"),
    "an alias in itself": ("generation.engine=&x [*x]", "the alias *x is inside"),
}
PROBLEMS = {
    "one long line": (lambda: packed(b"x" * (80 << 20)), "line 1: longer than 64 MiB"),
    "half a surrogate": (
        GOOD + '{"problem": "\\ud83d", "gold": 1}',
        "line 2: 'problem' holds",
    ),
    "lists in lists": (GOOD + f'{{"problem": {deep(5000)}}}', "line 2: values are nested"),
    "a long value": (GOOD + json.dumps({"problem": "x", "gold": ["x" * 10**6]}), "line 2: 'gold'"),
    "many columns": (json.dumps({f"k\n{i}": 1 for i in range(5000)}), "line 1: no question"),
}
IMPORTS = {
    "one long line": (lambda: packed(SAMPLE.encode() + b"x" * (80 << 20)), "line 2: longer"),
    "nothing but ends of lines": (lambda: packed(b"\n" * (80 << 20)), "empty lines"),
    "lists in lists": (f'{{"problem_id": "a", "text": {deep(5000)}}}', "line 1: values are nested"),
    "many columns": (json.dumps({f"k\n{i}": 1 for i in range(5000)}), "has no column"),
    "a log in lists": ('{\n"version": 2, "eval": ' + "[" * 99_999, "nested too deeply"),
}


@pytest.fixture
def refused(cli, tmp_path):
    """A function: a command line and words -> its message, which is short and came at once."""

    def run(*args, words):
        child = cli(*args, before=PEAK.format(path=str(tmp_path / "peak")))
        assert child.code == 1, child.err
        assert "Traceback" not in child.err
        told = child.err[child.err.index("error: ") :]
        assert words in told
        assert len(told.splitlines()) <= 10
        assert max(map(len, told.splitlines())) <= 1000
        assert int((tmp_path / "peak").read_text()) < MOST_MEMORY
        assert not list(tmp_path.rglob("block-*"))

    return run


def in_bytes(text):
    text = text() if callable(text) else text
    return text if isinstance(text, bytes) else text.encode()


@pytest.mark.parametrize("kind", EXPERIMENTS)
def test_experiments(refused, experiment, kind):
    text, words = EXPERIMENTS[kind]
    path = experiment()
    path.write_bytes(path.read_bytes() + in_bytes(text))
    refused("validate", path, words=words)


@pytest.mark.parametrize("kind", SETTINGS)
def test_settings(refused, experiment, kind):
    text, words = SETTINGS[kind]
    refused("validate", experiment(), "--set", text, words=words)


@pytest.mark.parametrize("kind", PROBLEMS)
def test_problem_files(refused, experiment, tmp_path, kind):
    text, words = PROBLEMS[kind]
    (tmp_path / "problems.jsonl").write_bytes(in_bytes(text))
    path = experiment(task={"name": "math500", "source": str(tmp_path / "problems.jsonl")})
    refused("generate", path, "--out", tmp_path / "run", words=words)


@pytest.mark.parametrize("kind", IMPORTS)
def test_imports(refused, tmp_path, kind):
    text, words = IMPORTS[kind]
    (tmp_path / "samples.jsonl").write_bytes(in_bytes(text))
    refused("import", tmp_path / "samples.jsonl", "--out", tmp_path / "run", words=words)


HEADER = json.dumps({"version": 2, "status": "success", "eval": {"model": "m"}})


@pytest.mark.parametrize(
    ("header", "sample", "words"),
    [
        (
            HEADER,
            lambda: b" " * (100 << 20),
            "a_epoch_1.json: unpacks to 100 MiB; more than 64",
        ),
        (HEADER, deep(5000), "samples/a_epoch_1.json: damaged (maximum recursion"),
        (lambda: b" " * (100 << 20), "{}", "header.json: unpacks to 100 MiB"),
        ("[]", "{}", "its header has no eval"),
    ],
)
def test_logs_of_inspect(refused, tmp_path, header, sample, words):
    with zipfile.ZipFile(tmp_path / "log.eval", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.json", in_bytes(header))
        archive.writestr("samples/a_epoch_1.json", in_bytes(sample))
    refused("import", tmp_path / "log.eval", "--out", tmp_path / "run", words=words)
