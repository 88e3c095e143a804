import pytest

from codec.jpeg.syntax.segment import write_segment


def test_the_length_counts_itself_and_the_payload() -> None:
    assert write_segment(0xFE, b"hello") == b"\xff\xfe\x00\x07hello"
    assert write_segment(0xEF, b"") == b"\xff\xef\x00\x02"


def test_a_payload_that_no_length_can_state_is_refused() -> None:
    assert write_segment(0xE1, bytes(65_533))[2:4] == b"\xff\xff"
    with pytest.raises(OverflowError):
        write_segment(0xE1, bytes(65_534))
