"""Stage 4: reads what a run holds and says what was found, in tables, figures and pages.

May import ``workbench``; nothing in ``workbench`` but its front doors imports this package. From
the bottom up: ``aggregate`` and ``stats`` are arithmetic over arrays, ``frames`` reads a run,
``tables`` is made of both, and ``figures``, ``compare`` and ``page`` show tables. Start reading in
``report.py``, the stage itself, then in ``tables/__init__.py``.
"""
