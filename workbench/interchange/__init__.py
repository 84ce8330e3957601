"""Import of samples that other tools drew, and export of a run's samples for other tools.

May import every room of ``workbench`` but ``cli``. Start reading in ``importer.py`` (files of
samples become a run) and ``exporter.py`` (a run becomes files); ``sample_row.py`` says what a
sample may hold. Each file of ``readers`` and ``writers`` is one format.
"""
