"""Each option reaches the encoder; a size out of reach is a client error."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

import codec
from contract.errors import MaxBytesError
from contract.messages import Metadata, Options
from tests.photos import file_of, photo
from tests.worker.image.colour_profiles import linear_profile, table_profile
from worker.image.decode import Photo, decode
from worker.image.encode import encode, prepare_inputs
from worker.image.metadata.segments import insert

PIXELS = photo()
SALIENCY = np.zeros((8, 8), np.float32)
SALIENCY[3:5, 3:5] = 1.0


def compress(**options: Any) -> bytes:
    chosen = Options(**options)
    inputs = prepare_inputs(PIXELS, chosen)
    return encode(PIXELS, SALIENCY, chosen, inputs).jpeg


@pytest.mark.parametrize(
    "options",
    [
        {"quality": 40},
        {"target": "size"},
        {"max_bytes": 1200},
        {"strength": 0.0},
        {"tune": "psnr"},
        {"floor": 74},
        {"subsampling": "444"},
        {"progressive": False},
    ],
)
def test_each_option_reaches_the_encoder(options: dict[str, Any]) -> None:
    defaults = {"quality": 75, "target": "quality", "strength": 0.6, "progressive": True}
    expected = codec.encode(PIXELS, SALIENCY, codec.EncodeSettings(**{**defaults, **options}))
    assert compress(**options) == expected.jpeg
    assert compress(**options) != compress()


def test_the_heatmap_does_not_change_the_jpeg() -> None:
    assert compress(heatmap="map") == compress()


def test_max_bytes_below_the_smallest_file_is_an_error_that_names_its_size() -> None:
    with pytest.raises(
        MaxBytesError, match=r"max_bytes is 1; the smallest .* has (\d+) bytes"
    ) as e:
        compress(max_bytes=1)
    smallest_bytes = int(e.value.detail.split()[-2])
    jpeg = compress(max_bytes=smallest_bytes)
    assert 0.97 * smallest_bytes <= len(jpeg) <= smallest_bytes
    Image.open(io.BytesIO(jpeg)).load()
    with pytest.raises(MaxBytesError):
        compress(max_bytes=int(0.97 * smallest_bytes))


def test_a_very_large_max_bytes_changes_nothing() -> None:
    assert compress(max_bytes=2**53 - 1) == compress()


def decode_to_source(data: bytes, options: Options) -> Photo:
    found = decode(data, 1_000_000, options, lambda width_px, height_px: (height_px, width_px))
    assert found.source is not None
    return found


def test_a_jpeg_is_encoded_from_its_own_coefficients() -> None:
    data = file_of(PIXELS, "JPEG", quality=50)
    pixels = np.asarray(Image.open(io.BytesIO(data)))
    options = Options(target="size")
    inputs = prepare_inputs(None, options, decode_to_source(data, options).source)
    encoded = encode(None, SALIENCY, options, inputs)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(encoded.jpeg))), pixels)


def test_coefficients_get_the_orientation_of_the_pixels() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = file_of(photo(160, 128), "JPEG", quality=50, exif=exif, subsampling="4:2:0")
    pixels = np.asarray(decode(data, 1_000_000, Options()).image)
    options = Options(target="size")
    inputs = prepare_inputs(None, options, decode_to_source(data, options).source)
    encoded = encode(None, SALIENCY, options, inputs)
    read_back = np.asarray(Image.open(io.BytesIO(encoded.jpeg)))
    assert read_back.shape == (160, 128, 3)
    assert np.abs(read_back.astype(int) - pixels).max() <= 3


@pytest.mark.parametrize("metadata", ["none", "all"])
def test_an_upload_without_eoi_comes_back_complete(metadata: Metadata) -> None:
    options = Options(quality=95, target="size", metadata=metadata)

    def compress_upload(upload: bytes) -> bytes:
        decoded = decode_to_source(upload, options)
        inputs = prepare_inputs(None, options, decoded.source)
        segments = decoded.segments
        return encode(None, SALIENCY, options, inputs, segments=segments, upload=upload).jpeg

    exif = Image.Exif()
    exif[0x010E] = "a description"
    whole = compress_upload(file_of(PIXELS, "JPEG", quality=40, exif=exif))
    assert compress_upload(whole) == whole
    assert compress_upload(whole[:-2]) == whole
    assert compress_upload(whole[:-1]) == whole
    # Without our mark it is another's file whose scans are the shortest.
    kept = decode(whole, 1_000_000, options).segments
    foreign = insert(codec.read_source(whole).stripped, kept)
    assert compress_upload(foreign) == foreign
    assert compress_upload(foreign[:-2]) == foreign


def described() -> Image.Exif:
    exif = Image.Exif()
    exif[0x010E] = "a description"
    return exif


def compress_as_jp2(upload: bytes, **options: Any) -> bytes:
    chosen = Options(format="jp2", **options)
    decoded = decode(upload, 1_000_000, chosen)
    pixels = np.asarray(decoded.image)
    inputs = prepare_inputs(pixels, chosen)
    return encode(pixels, SALIENCY, chosen, inputs, segments=decoded.segments).data


def test_a_jp2_has_the_kept_metadata_in_boxes() -> None:
    upload = file_of(PIXELS, "JPEG", exif=described(), icc_profile=linear_profile())
    plain = compress_as_jp2(upload, target="size")
    kept = compress_as_jp2(upload, target="size", metadata="all")
    assert b"colr\2\0\0" + linear_profile() in kept
    assert b"colr" not in plain.replace(b"colr\1\0\0\0\0\0\x10", b"")
    assert b"JpgTiffExif->JP2" in kept
    assert b"a description" in kept
    assert b"a description" not in plain
    assert b"JpgTiffExif->JP2" not in plain
    assert (
        len(compress_as_jp2(upload, metadata="all", max_bytes=len(kept) - 900)) <= len(kept) - 900
    )
    with pytest.raises(MaxBytesError, match=r"smallest JP2 .* bytes, with its metadata"):
        compress_as_jp2(upload, metadata="all", max_bytes=500)


def test_a_profile_that_a_jp2_can_t_have_is_applied() -> None:
    dark = table_profile(b"RGB ", lambda levels: 50.0 * sum(levels) / 3)
    upload = file_of(PIXELS, icc_profile=dark)
    shown = []
    for metadata in ("none", "all"):
        data = compress_as_jp2(upload, metadata=metadata)
        assert b"colr\1" in data
        with Image.open(io.BytesIO(data)) as opened:
            shown.append(np.asarray(opened))
    assert np.array_equal(*shown)
    assert shown[0].mean() < PIXELS.mean() - 30


def test_a_jp2_is_upright_and_grey_where_the_photo_is() -> None:
    exif = described()
    exif[0x0112] = 6
    grey = file_of(photo(160, 128)[..., 0], "JPEG", exif=exif)
    with Image.open(io.BytesIO(compress_as_jp2(grey))) as opened:
        assert (opened.mode, opened.size) == ("L", (128, 160))
