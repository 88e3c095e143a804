import argparse

import pytest

from bench.__main__ import BENCHMARKS, load, main


def test_an_unknown_benchmark_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["speed"])
    assert "service" in capsys.readouterr().err


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_declares_options_and_runs(name: str) -> None:
    benchmark = load(name)
    benchmark.add_arguments(argparse.ArgumentParser())
    assert callable(benchmark.run)
