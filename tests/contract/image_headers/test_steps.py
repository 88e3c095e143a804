"""A reader may take a limited number of steps."""

import pytest

from contract.image_headers.steps import Steps, TooManyStepsError


def test_as_many_steps_as_allowed_can_be_taken() -> None:
    steps = Steps(3)
    for _ in range(3):
        steps.take()
    with pytest.raises(TooManyStepsError):
        steps.take()
