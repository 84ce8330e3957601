"""Stage 2: samples become answers, statuses, correctness, clusters, rewards and embeddings.

Imports the rewards and all that lies below them. Start reading in ``stage.py``; ``grading.py``
turns one block of texts into answers and verdicts.
"""
