"""A quantizer that decides otherwise is found out, whatever it gets wrong."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from codec.agreement import SMALL, find_difference
from codec.component import Component
from codec.fidelity import Errors
from codec.host import HOST, HostBlocks, HostQuantizer
from codec.quantizer import Counts, Steps


class Faulty(HostBlocks):
    """The processor's blocks with one thing wrong."""

    fault = ""

    def sketch(self, steps: Steps, rates: Sequence[NDArray[np.float32]]) -> Counts:
        counts = super().sketch(steps, rates)
        counts.dc[-1][0] += self.fault == "sketch"
        return counts

    def quantize(self, steps: Steps, rates: Sequence[NDArray[np.float32]]) -> Counts:
        counts = super().quantize(steps, rates)
        counts.ac[0][0] += self.fault == "symbol"
        return counts

    def amend(
        self,
        steps: Steps,
        rates: Sequence[NDArray[np.float32]],
        stride: int,
        counts: Sequence[NDArray[np.int64]],
    ) -> list[NDArray[np.int64]]:
        return super().amend(steps, rates, stride + (self.fault == "stride"), counts)

    def measure(self, quant_tables: Sequence[NDArray[np.uint16]], *, sample: bool) -> Errors:
        errors = super().measure(quant_tables, sample=sample)
        if self.fault == "error" and not sample:
            return errors._replace(rest=float(np.nextafter(errors.rest, np.inf)))
        return errors

    def read(self) -> list[NDArray[np.int16]]:
        qcoefs = [own.copy() for own in super().read()]
        qcoefs[-1][-1, -1, 63] += self.fault == "coefficient"
        return qcoefs


class FaultyQuantizer(HostQuantizer):
    """Opens `Faulty` blocks."""

    def measure_activity(self, coefs: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        activities = super().measure_activity(coefs)
        if Faulty.fault == "activity":
            activities[1][0, 0] = np.nextafter(activities[1][0, 0], np.float32(np.inf))
        return activities

    def open(self, components: Sequence[Component], *, measured: bool) -> Faulty:
        assert measured
        return Faulty(components)


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        ("activity", "the activity"),
        ("sketch", "a sketch"),
        ("symbol", "a pass"),
        ("error", "a pass"),
        ("coefficient", "a pass"),
        ("stride", "an amendment"),
    ],
)
def test_a_single_wrong_bit_is_found(
    monkeypatch: pytest.MonkeyPatch, fault: str, named: str
) -> None:
    monkeypatch.setattr(Faulty, "fault", fault)
    found = find_difference(FaultyQuantizer())
    assert found is not None
    assert found.startswith(named)


def test_the_processor_agrees_with_itself() -> None:
    assert find_difference(FaultyQuantizer()) is None
    assert find_difference(HOST, SMALL) is None
