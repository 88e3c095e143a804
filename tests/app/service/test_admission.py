"""A process holds a limited number of uploads and bytes, and frees all of them."""

import contextlib

import pytest

from app.service import admission as admission_module
from app.service.admission import STALL_S, Admission
from contract.errors import QueueFullError


def test_places_are_limited_and_freed() -> None:
    admission = Admission(max_pending=2, max_pending_bytes=100)
    with admission.admit(), admission.admit(), pytest.raises(QueueFullError), admission.admit():
        pytest.fail("a third upload was admitted")
    with admission.admit():
        assert admission.pending == 1
    assert admission.pending == 0


def test_bytes_are_limited_across_uploads_and_freed() -> None:
    admission = Admission(max_pending=9, max_pending_bytes=100)
    with admission.admit() as first:
        first.allocate(60)
        with admission.admit() as second:
            second.allocate(40)
            with pytest.raises(QueueFullError):
                second.allocate(41)
        assert admission.pending_bytes == 60
    assert admission.pending_bytes == 0


def test_bytes_of_one_upload_count_once() -> None:
    admission = Admission(max_pending=9, max_pending_bytes=100)
    with admission.admit() as ticket:
        ticket.allocate(50)
        ticket.allocate(20)
        ticket.allocate(50)
        assert admission.pending_bytes == 50


def test_a_lone_upload_is_always_accepted() -> None:
    admission = Admission(max_pending=9, max_pending_bytes=100)
    with admission.admit() as ticket:
        ticket.allocate(1000)
    assert admission.pending_bytes == 0


def test_retry_after_is_the_time_of_the_waiting_uploads_at_the_measured_rate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(admission_module.time, "monotonic", lambda: clock[0])
    admission = Admission(max_pending=4, max_pending_bytes=100)
    assert admission.retry_after_s() == 1
    for _ in range(5):  # one every two seconds
        clock[0] += 2
        with admission.admit():
            pass
    with admission.admit(), admission.admit(), admission.admit(), admission.admit():
        with pytest.raises(QueueFullError) as refused, admission.admit():
            pytest.fail("a fifth upload was admitted")
        assert refused.value.retry_after_s == 8
        clock[0] += 100
        assert admission.retry_after_s() == 10  # nothing was completed in the window


def test_after_an_idle_time_the_rate_is_measured_since_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(admission_module.time, "monotonic", lambda: clock[0])
    admission = Admission(max_pending=4, max_pending_bytes=100)
    with admission.admit(), admission.admit(), admission.admit():
        for _ in range(4):  # two a second
            clock[0] += 0.5
            with admission.admit():
                pass
        assert admission.retry_after_s() == 2


def test_refused_uploads_do_not_count_as_completed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission_module.time, "monotonic", lambda: 1000.0)
    admission = Admission(max_pending=9, max_pending_bytes=100)
    with admission.admit() as first:
        first.allocate(90)
        for _ in range(50):
            with pytest.raises(QueueFullError) as refused, admission.admit() as other:
                other.allocate(90)
        assert refused.value.retry_after_s == 10


def test_bytes_that_are_no_longer_in_memory_are_given_back() -> None:
    admission = Admission(max_pending=9, max_pending_bytes=100)
    with admission.admit(), admission.admit() as ticket:
        ticket.allocate(80)
        ticket.hold(30)
        assert admission.pending_bytes == 30
        with pytest.raises(QueueFullError):
            ticket.hold(101)
        ticket.hold(100)
        assert admission.pending_bytes == 100
    assert admission.pending_bytes == 0


def test_a_ticket_allocates_nothing_after_its_place_was_freed() -> None:
    admission = Admission(max_pending=9, max_pending_bytes=100)
    with admission.admit() as ticket:
        ticket.allocate(10)
    ticket.allocate(90)
    assert admission.pending_bytes == 0


class Silent:
    """A connection whose client has been silent for ``for_s``."""

    def __init__(self, for_s: float) -> None:
        self.for_s = for_s
        self.aborted = False

    def stalled_s(self) -> float:
        return self.for_s

    def abort(self) -> None:
        self.aborted = True


def test_the_client_that_is_silent_for_longest_loses_its_place_when_others_need_it() -> None:
    admission = Admission(max_pending=3, max_pending_bytes=100)
    brief, longer, longest = Silent(STALL_S / 2), Silent(STALL_S), Silent(2 * STALL_S)
    with admission.admit(brief), admission.admit(longest) as ticket, admission.admit(longer):
        ticket.allocate(90)
        with admission.admit():
            assert (longest.aborted, longer.aborted) == (True, False)
            assert (admission.pending, admission.pending_bytes) == (3, 0)
            ticket.allocate(95)  # its request has not ended yet
            with admission.admit():
                assert longer.aborted
                with pytest.raises(QueueFullError), admission.admit():
                    pass
    assert not brief.aborted
    assert (admission.pending, admission.pending_bytes) == (0, 0)


def test_silent_clients_lose_their_bytes_when_others_need_them() -> None:
    admission = Admission(max_pending=9, max_pending_bytes=100)
    silent = [Silent(STALL_S) for _ in range(3)]
    with contextlib.ExitStack() as held:
        for connection in silent:
            held.enter_context(admission.admit(connection)).allocate(30)
        ticket = held.enter_context(admission.admit())
        with pytest.raises(QueueFullError):
            ticket.allocate_response(60)
        ticket.allocate(60)
        assert [connection.aborted for connection in silent].count(True) == 2
        assert admission.pending_bytes == 90


def test_a_job_without_a_client_keeps_its_place() -> None:
    admission = Admission(max_pending=1, max_pending_bytes=100)
    with admission.admit(Silent(STALL_S)) as ticket:
        ticket.detach()
        with pytest.raises(QueueFullError), admission.admit():
            pass
