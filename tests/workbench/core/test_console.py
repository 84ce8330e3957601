from workbench.core.console import notice, progress_bar


def test_a_log_gets_a_line_for_every_tenth_of_the_work(capsys):
    with progress_bar("score", 100, "blocks") as advance:
        for _ in range(100):
            advance(1)
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(",")[0] for line in lines] == [
        f"score: {n} of 100 blocks" for n in range(10, 101, 10)
    ]


def test_a_line_gives_the_rate_of_what_was_done_now(capsys, monkeypatch):
    clock = iter([100.0, 104.0])
    monkeypatch.setattr("workbench.core.console.time.perf_counter", lambda: next(clock))
    with progress_bar("generate", 20, "samples", done=10) as advance:
        advance(10)
    assert capsys.readouterr().err == "generate: 20 of 20 samples, 2.5/s\n"


def test_what_was_there_before_counts_as_done(capsys):
    with progress_bar("generate", 2000, "samples", done=1900) as advance:
        advance(100)
        advance(0)
    assert capsys.readouterr().err == ""  # less than a tenth
    with progress_bar("generate", 2000, "samples", done=1700) as advance:
        advance(300)
    assert capsys.readouterr().err.startswith("generate: 2,000 of 2,000 samples, ")


def test_nothing_to_do_says_nothing(capsys):
    with progress_bar("score", 0, "blocks"):
        pass
    assert capsys.readouterr().err == ""


def test_a_notice_goes_to_stderr_as_it_is(capsys):
    notice("file [bold]x[/bold] of " + "a" * 200)
    captured = capsys.readouterr()
    assert captured.err == "file [bold]x[/bold] of " + "a" * 200 + "\n"
    assert captured.out == ""
