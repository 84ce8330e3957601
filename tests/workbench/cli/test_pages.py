def test_a_report_is_written_into_the_run_or_where_it_is_wanted(cli, copied, tmp_path):
    folder = copied[1]
    child = cli.must("report", folder)
    assert child.out.startswith(f"page     {folder / 'report.html'}  (")
    elsewhere = tmp_path / "new" / "page.html"
    cli.must("report", folder, "--html", elsewhere)
    assert elsewhere.read_bytes() == (folder / "report.html").read_bytes()


def test_without_html_a_comparison_is_printed(cli, finished):
    out = cli.must("compare", finished[1], "--k", "2").out
    assert "its conditions, problem by problem" in out
    assert "<html" not in out
