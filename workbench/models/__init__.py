"""Loaded models: finding one by its name, and asking it for tokens, probabilities or vectors.

Imports ``config`` and ``core``. The libraries behind the models (vLLM, transformers,
sentence-transformers) are imported only when a model is loaded. Start reading in ``protocols.py``.
"""
