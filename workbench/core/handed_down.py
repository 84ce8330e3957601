"""What rooms below show by means of the analysis, which none of them may import.

The front door, ``workbench/__init__.py``, hands it down under these names before any other module
is imported. So a run has its figures and its look in a notebook however it is opened.
"""

from collections.abc import Callable
from typing import Any

HANDED_DOWN: dict[str, Callable[[Any], Any]] = {}
"""``plot``: run -> its figures. ``run_html``, ``pool_html``: a run, a pool -> HTML."""
