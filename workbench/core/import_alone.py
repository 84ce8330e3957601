"""Importing one module of a package whose start would import far more."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from itertools import accumulate
from types import ModuleType


def import_alone(name: str) -> ModuleType:
    """Import a module without running the ``__init__`` files of its packages.

    While the module is imported, an empty module stands in for each of its packages. Afterwards
    the packages can still be imported as usual: they take over the modules that are there. The
    module, such as ``reasoning_gym.arithmetic.chain_sum``, has to import whatever it uses by the
    path of a file, not from an ``__init__``.

    Raises:
        ModuleNotFoundError: there is no such module.
    """
    *packages, _ = accumulate(name.split("."), "{}.{}".format)
    found = find_spec(packages[0])
    if name in sys.modules or packages[0] in sys.modules or found is None:
        return import_module(name)
    try:
        for package in packages:
            sys.modules[package] = stand_in = ModuleType(package)
            places, inside = found.submodule_search_locations or (), package.split(".")[1:]
            stand_in.__path__ = ["/".join([place, *inside]) for place in places]
        return import_module(name)
    finally:
        for package in packages:
            sys.modules.pop(package, None)
