"""Samples that other tools drew, brought in; a run's samples, handed out to other tools.

Imports everything of ``workbench`` but the command line. Start reading in ``importer.py``; each
file of ``readers`` and ``writers`` is one format.
"""
