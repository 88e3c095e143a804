"""What is no trace's parent by W3C Trace Context is recognised."""

import pytest

from contract.origin import REQUEST_ID, TRACEPARENT

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def test_a_parent_has_version_trace_span_and_flags() -> None:
    assert TRACEPARENT.fullmatch(f"00-{TRACE}-{SPAN}-01")


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01\n",
        f"01-{TRACE}-{SPAN}-01",
    ],
)
def test_anything_else_is_none(text: str) -> None:
    assert TRACEPARENT.fullmatch(text) is None


def test_an_id_needs_no_escapes() -> None:
    assert REQUEST_ID.fullmatch("5f0c2a9be1d34c77")
    assert not any(map(REQUEST_ID.fullmatch, ("short", "x" * 65, 'a"bcdefgh', "abcdefgh\n")))
