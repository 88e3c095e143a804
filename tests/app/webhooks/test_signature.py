"""Webhooks are signed as Standard Webhooks says."""

import pytest

from app.webhooks.signature import parse_key, sign_headers


def test_a_signature_is_that_of_the_standards_example() -> None:
    key = parse_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = dict(
        sign_headers([key], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    )
    assert headers == {
        b"webhook-id": b"msg_p5jXN8AQM9LWM0D4loKWxJek",
        b"webhook-timestamp": b"1614265330",
        b"webhook-signature": b"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_each_key_signs() -> None:
    one, other = b"x" * 24, b"y" * 24
    both = dict(sign_headers([one, other], "id", 5, b"{}"))[b"webhook-signature"].split(b" ")
    alone = [dict(sign_headers([k], "id", 5, b"{}"))[b"webhook-signature"] for k in (one, other)]
    assert both == alone


@pytest.mark.parametrize(
    "text",
    [
        "",
        "whsec_",
        "whsec_c2hvcnQ=",  # too short
        "whsec_" + "A" * 100,
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa Sw",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",
        "whsec_Ä" + "A" * 31,
    ],
)
def test_what_is_no_key_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(ValueError, match="each key needs to be whsec_ and 24") as caught:
        parse_key(text)
    assert "MfKQ" not in str(caught.value)
