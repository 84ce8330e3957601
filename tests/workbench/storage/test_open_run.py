from workbench.core.types import Known, Problem


def test_blocks_hold_whole_problems_and_never_change_when_some_are_added(open_run):
    run = open_run()
    run.manifest.update(problems_per_block=2)

    def held(names):
        run.write_problems([Known(Problem(name, "?", "1"), "h") for name in names])
        (run.root / "samples").mkdir(exist_ok=True)
        for block in range(-(-len(names) // 2)):
            run.journal(block).touch()
        blocks = run.known_problems().values()
        return [[item.problem.id for item in block] for block in blocks]

    assert held("abcde") == [["a", "b"], ["c", "d"], ["e"]]
    assert held("abcdefgh") == [["a", "b"], ["c", "d"], ["e", "f"], ["g", "h"]]
    assert run.pool_sizes == {"T0.3": 16, "T0.7": 16, "T1": 16}
    assert not run.imported
    assert open_run(backend="import").imported
