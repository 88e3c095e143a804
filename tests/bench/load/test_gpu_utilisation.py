"""GPU utilisation, with a stand-in for nvidia-smi."""

import time
from pathlib import Path

import psutil
import pytest

from bench.load.gpu_utilisation import find_busiest_percent, sample_gpu

FAKE = """\
#!/bin/sh
echo "$@" >"$0.arguments"
printf '0, 20\\n1, 90\\n0, 40\\n1, [N/A]\\n'
exec sleep 60
"""


def install_fake_nvidia_smi(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = folder / "nvidia-smi"
    program.write_text(FAKE)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    return program


def test_the_busiest_gpu_s_mean_is_returned_and_the_program_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = install_fake_nvidia_smi(tmp_path, monkeypatch)
    with sample_gpu() as percent:
        deadline_s = time.monotonic() + 10
        while percent() != 90.0 and time.monotonic() < deadline_s:
            time.sleep(0.02)
        assert percent() == 90.0
        assert any(child.name() == "sleep" for child in psutil.Process().children())
    assert not any(child.name() == "sleep" for child in psutil.Process().children())
    arguments = program.with_name("nvidia-smi.arguments").read_text()
    assert "utilization.gpu" in arguments
    assert "--loop-ms=" in arguments


def test_without_a_gpu_the_mean_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with sample_gpu() as percent:
        assert percent() is None


def test_error_messages_of_the_driver_are_ignored() -> None:
    assert find_busiest_percent(["NVIDIA-SMI has failed because it couldn't communicate\n"]) is None
    assert find_busiest_percent([]) is None
    assert find_busiest_percent(["0, 10\n", "0, 30\n", "1, 5\n"]) == 20.0
