"""The pause between two looks at the queue depends on the last look and the last pass."""

import pytest

from worker.queue import claim_timer


@pytest.mark.parametrize(
    ("pause_s", "pass_s", "found", "expected_s"),
    [
        (0.005, 0.0, True, claim_timer.MIN_PAUSE_S),
        (0.1, 0.16, True, 0.02),  # an eighth of the pass
        (0.1, float("inf"), True, claim_timer.MAX_PAUSE_S),
        (0.005, 0.0, False, 0.01),
        (0.02, 0.0, False, claim_timer.EMPTY_PAUSE_S),
        (0.04, 0.4, False, 0.05),
        (0.1, float("inf"), False, claim_timer.MAX_PAUSE_S),
    ],
)
def test_the_pause_depends_on_what_was_found_and_on_the_pass(
    pause_s: float, pass_s: float, *, found: bool, expected_s: float
) -> None:
    assert claim_timer.next_pause_s(pause_s, pass_s, found=found) == pytest.approx(expected_s)


def test_a_pause_ends_by_itself_or_by_a_reset(monkeypatch: pytest.MonkeyPatch) -> None:
    clock_s = [100.0]
    monkeypatch.setattr(claim_timer.time, "monotonic", lambda: clock_s[0])
    timer = claim_timer.ClaimTimer()
    assert timer.is_due()
    timer.restart(0.4, found=True)
    assert timer.pause_s == pytest.approx(0.05)
    assert not timer.is_due()
    clock_s[0] += 0.049
    assert not timer.is_due()
    clock_s[0] += 0.002
    assert timer.is_due()
    timer.restart(0.4, found=True)
    timer.reset()
    assert timer.is_due()
