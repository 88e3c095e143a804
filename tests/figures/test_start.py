"""Figures on the start of the service."""

from tests.figures.tables import read_document, read_result


def test_times_of_a_first_and_a_later_start() -> None:
    text = read_document("decisions/0041-kernels-compiled-ahead.md")
    measured = read_result("start.json")
    first, later = measured["summary"]["first"], measured["summary"]["later"]
    assert f"a first start takes {first['ready_s']:.0f} s until it is ready" in text
    assert f"with {first['worker_cpu_s']:.0f} s of CPU time" in text
    assert f"a later one {later['ready_s']:.1f} s" in text
