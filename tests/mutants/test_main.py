"""The test that failed is found in pytest's output, between lines of logs."""

from tests.mutants.__main__ import find_failed


def test_a_log_line_is_no_failed_test() -> None:
    log = "ERROR    rq.worker:base.py:694 Worker: found an unhandled exception\n"
    assert find_failed(log) == ""
    assert find_failed(log + "FAILED tests/a/test_b.py::test_c[1] - assert 1\n") == (
        "tests/a/test_b.py::test_c[1]"
    )
    assert find_failed("ERROR tests/a/test_b.py\n") == "tests/a/test_b.py"
