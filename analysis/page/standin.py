"""A stand-in until the figures are in Altair."""

from analysis.page import curves

FIGURES = {
    "coverage_curve": lambda run: curves.overlaid(
        [run], ["x"], "coverage_curve", ["pass@k", "maj@k", "best@k"]
    )
}
