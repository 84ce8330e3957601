"""Every reward that is written has its row of ``REWARDS``, and every row has its function."""

import ast
from importlib import import_module
from pathlib import Path

import workbench.rewards
from workbench.rewards import REWARDS

HOME = Path(workbench.rewards.__file__).parent
STEPS = {
    "hidden_states.encode", "second_model.score_under_second_models",
}  # fmt: skip
"""Steps of the scoring with the arguments of a reward that are no rewards."""


def rewards_in(path):
    """Functions of a module with the arguments of a reward."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            names = [argument.arg for argument in node.args.args]
            kind = names[0] if names else "", ast.unparse(node.returns)
            if (names == ["samples"] and kind[1] == "Floats") or kind == ("run", "None"):
                yield f"{path.stem}.{node.name}"


def imported_by_rows():
    """Module and function that each row imports when its reward is made."""
    for node in ast.walk(ast.parse((HOME / "__init__.py").read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "_deferred":
            yield tuple(ast.literal_eval(argument) for argument in node.args)


def test_what_a_row_imports_is_there():
    for module, function in imported_by_rows():
        assert callable(getattr(import_module(module), function))


def test_every_row_has_one_function():
    for name, reward in REWARDS.items():
        ways = [way for way in (reward.fn, reward.judge, reward.learn) if way is not None]
        assert len(ways) == 1, f"REWARDS[{name!r}] needs exactly one of fn, judge and learn"


def test_no_reward_is_forgotten():
    written = {name for path in HOME.glob("*.py") for name in rewards_in(path)} - STEPS
    listed = {
        f"{row.fn.__module__.removeprefix('workbench.rewards').lstrip('.') or '__init__'}"
        f".{row.fn.__name__}"
        for row in REWARDS.values() if row.fn
    }  # fmt: skip
    listed |= {f"{module.rpartition('.')[2]}.{name}" for module, name in imported_by_rows()}
    forgotten = written - listed
    assert not forgotten, f"add a row to REWARDS in workbench/rewards/__init__.py for {forgotten}"
