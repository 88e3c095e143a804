"""The CUDA device is used only where it has shown that it decides as the processor does."""

import logging
from collections.abc import Sequence

import numpy as np
import pytest
from numba import cuda
from numpy.typing import NDArray
from pydantic import ValidationError

from codec import HOST
from codec.component import Component
from codec.host import HostBlocks, HostQuantizer
from worker import quantizing
from worker.quantizing import choose_quantizer
from worker.settings import WorkerSettings


class Rounded(HostQuantizer):
    """A device that is off by one once."""

    def open(self, components: Sequence[Component], *, measured: bool) -> HostBlocks:
        assert measured
        return RoundedBlocks(components)


class RoundedBlocks(HostBlocks):
    def read(self) -> list[NDArray[np.int16]]:
        qcoefs = [own.copy() for own in super().read()]
        qcoefs[0][0, 0, 1] += 1
        return qcoefs


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.levelno >= logging.WARNING]


def test_by_default_it_is_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CODEC_DEVICE", raising=False)
    assert choose_quantizer(WorkerSettings().codec_device) is HOST
    monkeypatch.setenv("CODEC_DEVICE", "gpu")
    with pytest.raises(ValidationError, match="codec_device"):
        WorkerSettings()


@pytest.mark.skipif(cuda.is_available(), reason="there is a CUDA device")
def test_without_a_device_it_is_the_processor_and_one_line_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("CODEC_DEVICE", "cuda")
    assert choose_quantizer(WorkerSettings().codec_device) is HOST
    (line,) = warnings_of(caplog)
    assert line.startswith("CODEC_DEVICE=cuda: quantizing on the CPU: Error at driver init: ")
    assert "\n" not in line


def test_a_device_that_decides_otherwise_is_not_used(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(quantizing, "open_device", Rounded)
    assert choose_quantizer("cuda") is HOST
    (line,) = warnings_of(caplog)
    assert "the device differs in a pass of 1 components of 1×1 blocks" in line


def test_a_device_that_agrees_is_used(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    own = type(HOST)()
    monkeypatch.setattr(quantizing, "open_device", lambda: own)
    assert choose_quantizer("cuda") is own
    assert not warnings_of(caplog)
