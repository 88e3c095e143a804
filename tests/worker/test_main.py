"""A worker's settings reach what they are for before it takes a job."""

import sys

import pytest
from redis import Redis
from redis.exceptions import RedisError

from contract.errors import UnsupportedImageError
from contract.image_headers.read import ImageHeader
from contract.images import HEIC_IS_OFF
from worker import __main__ as module
from worker.image.confined.decoder import Decoder


def test_heic_can_be_turned_off(monkeypatch: pytest.MonkeyPatch) -> None:
    decoder = Decoder()

    def fail(*_: object, **__: object) -> None:
        raise RedisError("no Redis here")

    monkeypatch.setattr(module, "DECODER", decoder)
    # Each of these is the whole process's.
    monkeypatch.setattr(module, "limit_pillow", lambda _: None)
    monkeypatch.setattr(sys, "setswitchinterval", lambda _: None)
    monkeypatch.setattr(module.warnings, "filterwarnings", lambda *_, **__: None)
    monkeypatch.setattr(Redis, "ping", fail)
    monkeypatch.setattr(sys, "argv", ["worker"])
    monkeypatch.setenv("HEIC", "off")
    assert module.main() == 1
    with pytest.raises(UnsupportedImageError, match=HEIC_IS_OFF):
        decoder.read(b"", ImageHeader("HEIC", 1, 1), 100)
