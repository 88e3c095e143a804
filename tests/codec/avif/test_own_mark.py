"""The mark at the end of our AVIFs."""

import io

import numpy as np
from PIL import Image

import codec
from codec.avif.own_mark import MARK_BYTES, add_mark, has_mark
from codec.settings import EncodeSettings
from tests.codec.avif.pictures import soft_scene
from tests.codec.pictures import spot

FILE = b"a file" * 9
SETTINGS = EncodeSettings(60, target="quality")


def test_a_mark_is_valid_for_its_file_and_options_only() -> None:
    marked = add_mark(FILE, SETTINGS, "none")
    assert len(marked) == len(FILE) + MARK_BYTES
    assert has_mark(marked, SETTINGS, "none")
    assert has_mark(marked, EncodeSettings(60, target="quality", max_bytes=9, floor=25), "none")
    assert not has_mark(marked, SETTINGS, "all")
    for other in (EncodeSettings(61, target="quality"), EncodeSettings(60, 0.5, target="quality")):
        assert not has_mark(marked, other, "none")
    for broken in (
        FILE,
        b"b" + marked[1:],
        marked[:-1],
        marked + b"\0",
        b"",
        marked[-MARK_BYTES + 1 :],
    ):
        assert not has_mark(broken, SETTINGS, "none")


def test_files_have_it_and_other_programs_read_them() -> None:
    photo = soft_scene(96, 128)
    settings = EncodeSettings(60, target="quality")
    data = codec.encode_avif(photo, spot(12, 16), settings, label="copyright").data
    assert has_mark(data, settings, "copyright")
    with Image.open(io.BytesIO(data)) as opened:
        assert np.asarray(opened).shape == photo.shape
