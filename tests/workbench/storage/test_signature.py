from workbench.config.schema import Experiment, Generation, TaskSettings
from workbench.storage.signature import signature_parts


def parts(**generation):
    return signature_parts(
        Experiment(
            name="x",
            task=TaskSettings(name="arithmetic", num_problems=2),
            generation=Generation(**({"model": "lab/m", "backend": "replay"} | generation)),
        )
    )


def test_runs_are_grouped_by_plain_values_of_each_factor():
    alone = parts(temperatures=(0.3, 1.0), min_p=0.1, n=16)
    assert (alone["temperatures"], alone["min_p"], alone["N"]) == ("0.3,1", 0.1, 16)
    assert alone["top_k"] == 0
    assert all(isinstance(value, str | int | float) for value in alone.values())
    grid = {"temperature": [0.3, 1], "min_p": [0, 0.1], "top_p": [0.9], "engine.beams": [1, 2]}
    crossed = parts(grid=grid, temperatures=())
    assert crossed["temperatures"] == "0.3,1"
    assert crossed["min_p"] == "0,0.1"
    assert crossed["top_p"] == 0.9  # of all conditions, though not the section's own
    assert crossed["beams"] == "1,2"  # a dot would be the way into a section
