"""How an object shows itself in a notebook, which is for a room higher up to say."""

from functools import singledispatch


@singledispatch
def notebook_html(shown: object) -> str | None:
    """Return an object as HTML; None, by which a notebook shows its ``repr``, until told otherwise.

    ``workbench.analysis.notebook`` registers what a run and a pool look like.
    """
    return None
