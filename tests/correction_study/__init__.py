"""A toy on which a tiny model learns to correct itself: `python -m tests.correction_study`."""
