"""What the source of a program or of its tests says, without running it."""

from __future__ import annotations

import ast
import builtins
import warnings


def begins_program(text: str, entry_point: str) -> bool:
    r"""Say whether a text is a program that defines a name.

    >>> begins_program('def double(n):\n    "Twice n."', "double"), begins_program("Double", "x")
    (True, False)
    """
    return entry_point in defined_names(text)


def defined_names(source: str) -> set[str]:
    r"""Return the functions, classes and variables that a program defines; none if it is no Python.

    >>> sorted(defined_names("import math\ndef f(x):\n    y = x\ng = f"))
    ['f', 'g']
    """
    tree = parsed(source)
    return set() if tree is None else {*first_lines(tree)}


def parsed(source: str) -> ast.Module | None:
    """Return a program as a tree; None if it is no Python. What Python warns of is not said."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def first_lines(tree: ast.Module) -> dict[str, int]:
    """Return by name the line, from 1, where its last definition begins."""
    found: dict[str, int] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found[node.name] = min([node.lineno, *(d.lineno for d in node.decorator_list)])
        elif isinstance(node, ast.Assign):
            names = [name for target in node.targets for name in ast.walk(target)]
            found |= {one.id: node.lineno for one in names if isinstance(one, ast.Name)}
    return found


def assertions(tests: str, check: str | None, entry_point: str) -> list[str]:
    r"""Return the plain assertions of tests, one by one, each as the entry point's own.

    Those of ``check`` call its parameter. What stands in a loop, or needs a name that the tests
    make up, is none of them.

    >>> assertions("def check(f):\n    assert f(2) == 4\n    assert f(0) == 0", "check", "double")
    ['assert double(2) == 4', 'assert double(0) == 0']
    """
    tree = ast.parse(tests)
    known = {*dir(builtins), *_imported(tree), entry_point}
    bodies: list[tuple[list[ast.stmt], str]] = [(tree.body, entry_point)]
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == check and node.args.args:
            bodies.append((node.body, node.args.args[0].arg))
    found = []
    for body, parameter in bodies:
        for node in body:
            if isinstance(node, ast.Assert):
                text = f"assert {ast.get_source_segment(tests, node.test)}"
                plain = ast.Assert(_Renamed(parameter, entry_point).visit(node.test))
                if _names(plain) <= known:
                    found.append(text if parameter == entry_point else ast.unparse(plain))
    return found


def _names(tree: ast.AST) -> set[str]:
    """Return the names that an expression uses and does not make up itself."""
    own = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    bound = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    return {node.id for node in names} - own - bound


def _imported(tree: ast.Module) -> set[str]:
    imports = [n for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)]
    return {(a.asname or a.name).partition(".")[0] for node in imports for a in node.names}


class _Renamed(ast.NodeTransformer):
    """Gives a name in the place of another."""

    def __init__(self, old: str, new: str) -> None:
        self.old, self.new = old, new

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self.new, node.ctx) if node.id == self.old else node
