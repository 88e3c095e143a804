"""A process takes on so many uploads and bytes, and lets go of all it took."""

import pytest

from app.admission import Admission
from contract.errors import QueueFullError


def test_places_are_limited_and_given_back() -> None:
    admission = Admission(max_pending=2, max_pending_bytes=100)
    with admission.admit(), admission.admit(), pytest.raises(QueueFullError), admission.admit():
        pytest.fail("a third upload was admitted")
    with admission.admit():
        assert admission.pending == 1
    assert admission.pending == 0


def test_bytes_are_limited_across_uploads_and_given_back() -> None:
    admission = Admission(max_pending=9, max_pending_bytes=100)
    with admission.admit() as first:
        first.hold(60)
        with admission.admit() as second:
            second.hold(40)
            with pytest.raises(QueueFullError):
                second.hold(41)
        assert admission.pending_bytes == 60
    assert admission.pending_bytes == 0


def test_a_share_counts_once_however_often_it_is_reported() -> None:
    admission = Admission(max_pending=9, max_pending_bytes=100)
    with admission.admit() as ticket:
        ticket.hold(50)
        ticket.hold(20)
        ticket.hold(50)
        assert admission.pending_bytes == 50


def test_a_lone_upload_always_fits() -> None:
    admission = Admission(max_pending=9, max_pending_bytes=100)
    with admission.admit() as ticket:
        ticket.hold(1000)
    assert admission.pending_bytes == 0
