import pyarrow as pa

from workbench.core.conditions import temperature_name
from workbench.generate.held_samples import HeldSamples
from workbench.saved_run import Run


def test_sizes_add_up_over_blocks():
    held = HeldSamples()
    for names, temperatures, indices in [("aab", [0.3, 0.3, 1.0], [0, 4, 1]), ("c", [1.0], [7])]:
        held.add(pa.table({
            "problem_id": [*names], "temperature": temperatures, "sample_index": indices,
            "condition": [*map(temperature_name, temperatures)],
            "num_output_tokens": [None if n == 0 else 10 * n for n in indices],
        }))  # fmt: skip
    assert held.problems == {"a", "b", "c"}
    assert held.pool_sizes == {"T0.3": 5, "T1": 8}
    assert held.temperatures == {"T0.3": 0.3, "T1": 1.0}
    assert held.tokens_of({"T0.3": 5, "T1": 8}) == 40 + 10 + 70
    assert held.tokens_of({"T1": 7}) == 10  # those that are asked for
    assert held.beyond("abc", {"T0.3": 5, "T1": 8}) == []
    assert held.beyond("abcd", {"T0.3": 8, "T1": 8, "T2": 8}) == []  # that is to be drawn
    assert held.beyond("abc", {"T0.3": 5, "T1": 4}) == ["N:8"]
    assert held.beyond("ad", {"T1": 8}) == ["T:0.3,1", "problems:4"]


def test_less_than_the_folder_has_is_said_and_stands_in_the_signature(cli, copied):
    path, folder = copied
    less = ("--set", "generation.n=4", "--set", "generation.temperatures=[1.0]")
    said = cli.must("run", path, "--out", folder, *less).err
    told = "generate: the folder holds T:0,0.3,1, N:8; this looks at T:0,1, N:4, problems:12\n"
    assert said.count(told) == 1
    assert "|T:1|N:4|of T:0,0.3,1 N:8|seed:0|" in Run(folder).signature
    again = cli.must("run", path, "--out", folder).err
    assert "the folder holds" not in again
    assert "|N:8|seed:0|" in Run(folder).signature


def test_the_settings_that_made_the_folder_are_told(cli, copied):
    path, folder = copied
    cli.must("generate", path, "--out", folder, "--set", "generation.n=9")
    said = cli.must("generate", path, "--out", folder).err
    assert "holds N:9; this looks at T:0,0.3,1, N:8, problems:12 (it was made with --set" in said
    assert "--set generation.n=9)" in said
    cli.must("generate", folder)
    assert "made with" not in cli.must("generate", path, "--out", folder).err
