"""The child process of the stages, with a stand-in. servers/test_alone.py tests the real one."""

from pathlib import Path

import pytest

from bench.load.service_process import ServiceError
from bench.service import stages_alone
from bench.service.stages_alone import started_alone

STAND_IN = """#!/bin/sh
shift 2  # -m and the module
head -c 5 "$1" >"$0.photo"
while read -r seconds; do
  [ "$seconds" = 9.0 ] && exit
  echo "{\\"seconds\\": $seconds, \\"options\\": \\"$FOVEATE_BENCH_OPTIONS\\"}"
done
"""


def test_each_request_returns_a_measurement_until_the_process_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "stand-in"
    program.write_text(STAND_IN)
    program.chmod(0o755)
    monkeypatch.setattr(stages_alone.sys, "executable", str(program))
    with started_alone([b"photo"], "quality=50") as measure:
        for seconds in (0.1, 0.2):
            found = measure(seconds)
            assert (found["seconds"], found["options"]) == (seconds, "quality=50")
            assert found["steal"] >= 0
        with pytest.raises(ServiceError, match="has ended"):
            measure(9.0)
    assert (tmp_path / "stand-in.photo").read_bytes() == b"photo"
