"""Progressive files: read back by the slow decoder, and by decoders of others."""

import io
import shutil
import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

import codec
from codec.jpeg.quantize.rdoq import quantize_dc
from codec.jpeg.rate_control.passes import count_frame_bytes
from codec.jpeg.syntax.component import CHROMA, LUMA, Component
from codec.jpeg.syntax.huffman import build_table
from codec.jpeg.write.baseline_scan import write_scan
from codec.jpeg.write.marker_segments import write_file, write_header
from codec.jpeg.write.progressive import write_progressive, write_scans
from codec.jpeg.write.scan_script import code_scans
from tests.codec.pictures import scene, spot
from tests.codec.plain_progressive import decode_progressive

QCoefs = list[NDArray[np.int16]]
SIZES = [(1, 1), (7, 9), (9, 7), (17, 1), (257, 17), (17, 257), (64, 48)]


def components_of(height: int, width: int, count: int, factor: int) -> list[Component]:
    made = []
    for i in range(count):
        own = factor if i == 0 else 1
        rows, columns = (-(-side // (8 * factor)) * own for side in (height, width))
        real = [-(-side * own // (8 * factor)) for side in (height, width)]
        kind = LUMA if i == 0 else CHROMA
        coefs = np.zeros((rows, columns, 64), np.float32)
        made.append(Component(kind, own, own, real[0], real[1], coefs, *[coefs[..., 0]] * 3))
    return made


def random_qcoefs(components: list[Component], seed: int, largest: int, occupied: float) -> QCoefs:
    """Coefficients whose magnitudes are spread over all sizes, none in what pads the MCUs."""
    rng = np.random.default_rng(seed)
    made = []
    for component in components:
        shape = component.coefs.shape
        values = rng.integers(-largest, largest + 1, shape) >> rng.integers(0, 12, shape)
        values[rng.random(shape) > occupied * rng.random(shape[:2])[..., None] * 2] = 0
        values[component.real_rows :, :, 1:] = 0
        values[:, component.real_columns :, 1:] = 0
        made.append(values.astype(np.int16))
    return made


def tables_for(components: list[Component]) -> list[NDArray[np.uint16]]:
    return [np.ones(64, np.uint16)] * len(components)


def check_whole(size_px: tuple[int, int], components: list[Component], qcoefs: QCoefs) -> None:
    """Hold the file to its coefficients, and the counted bits to those written."""
    scans = code_scans(components, qcoefs)
    assert len(scans) <= 12
    jpeg = write_scans(size_px, components, tables_for(components), scans)
    file = decode_progressive(jpeg)
    assert (file.width, file.height) == size_px
    for component, read, expected in zip(components, file.components, qcoefs, strict=True):
        real = np.s_[: component.real_rows, : component.real_columns]
        assert np.array_equal(read.qcoefs()[real], expected[real])
    assert [scan.bits for scan in file.scans] == [-(-coded.bits // 8) * 8 for coded in scans]
    counted = sum(coded.header_bytes + -(-coded.bits // 8) for coded in scans)
    stuffed = jpeg.count(b"\xff\x00")
    assert count_frame_bytes(components) + counted + stuffed == len(jpeg)


@settings(max_examples=60, deadline=None)
@given(
    size_px=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    count=st.sampled_from([1, 3]),
    factor=st.sampled_from([1, 2]),
    largest=st.sampled_from([0, 1, 2, 3, 7, 255, 1023, 2047]),
    occupied=st.sampled_from([0.0, 0.02, 0.2, 0.7, 1.0]),
    seed=st.integers(0, 10**6),
)
def test_every_coefficient_comes_back(
    *, size_px: tuple[int, int], count: int, factor: int, largest: int, occupied: float, seed: int
) -> None:
    components = components_of(size_px[1], size_px[0], count, factor if count == 3 else 1)
    check_whole(size_px, components, random_qcoefs(components, seed, largest, occupied))


@pytest.mark.parametrize("size_px", [(257, 17), (17, 257)])
def test_a_component_alone_leaves_out_what_pads_the_mcus(size_px: tuple[int, int]) -> None:
    components = components_of(size_px[1], size_px[0], 3, 2)
    luma = components[0]
    assert (luma.real_rows, luma.real_columns) != luma.coefs.shape[:2]
    check_whole(size_px, components, random_qcoefs(components, 1, 1023, 0.3))


@pytest.mark.parametrize("busy_block", [0, 1, 32766, 32767, 32768, 33023, None])
@pytest.mark.parametrize("value", [1, -2, 5])
def test_runs_of_ended_blocks_stop_at_the_longest(busy_block: int | None, value: int) -> None:
    components = components_of(8 * 129, 8 * 256, 1, 1)
    qcoefs = np.zeros((129, 256, 64), np.int16)
    if busy_block is not None:
        qcoefs.reshape(-1, 64)[busy_block, [5, 63]] = value, 1
    check_whole((8 * 256, 8 * 129), components, [qcoefs])


def test_correction_bits_of_a_run_are_not_limited() -> None:
    # Every block has earlier coefficients to correct and none that is new, but for the last: tens
    # of thousands of bits follow one EOB run. libjpeg's encoder holds back 1,000 at most.
    components = components_of(8 * 40, 8 * 40, 1, 1)
    qcoefs = np.full((40, 40, 64), 6, np.int16)
    qcoefs[..., 1::3] = -5
    qcoefs[-1, -1, 30:] = 1
    qcoefs[..., 0] = 0
    check_whole((320, 320), components, [qcoefs])


def as_baseline(size_px: tuple[int, int], components: list[Component], qcoefs: QCoefs) -> bytes:
    dc_tables = [build_table(np.ones(256, np.int64) * (np.arange(256) < 12)) for _ in range(2)]
    ac_tables = [build_table(np.ones(256, np.int64)) for _ in range(2)]
    tables = tables_for(components)
    kinds = min(len(tables), 2)
    header = write_header(size_px, components, tables, dc_tables[:kinds], ac_tables[:kinds])
    most_bits = sum(stored.size for stored in qcoefs) * 32
    return write_file(header, write_scan(components, qcoefs, dc_tables, ac_tables, most_bits))


def pixels(jpeg: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(jpeg)) as image:
        return np.asarray(image)


@pytest.mark.parametrize(("count", "factor"), [(1, 1), (3, 1), (3, 2)])
def test_pillow_sees_the_pixels_of_the_baseline_file(count: int, factor: int) -> None:
    for width, height in [(1, 1), (9, 7), (17, 257), (64, 48)]:
        components = components_of(height, width, count, factor)
        qcoefs = random_qcoefs(components, width, 200, 0.3)
        for component, stored in zip(components, qcoefs, strict=True):
            # What pads the MCUs repeats the DC before it, as in files of the encoder.
            coefs = stored.astype(np.float32)
            sampling = (component.vertical, component.horizontal)
            real = (component.real_rows, component.real_columns)
            quantize_dc(coefs, 1, *real, *sampling, stored, np.zeros(256, np.int64))
        jpeg = write_progressive((width, height), components, tables_for(components), qcoefs)
        assert np.array_equal(
            pixels(jpeg), pixels(as_baseline((width, height), components, qcoefs))
        )


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("progressive")
    paths = []
    for height, width in SIZES:
        for subsampling in ("420", "444", "grey"):
            image = scene(height, width)
            image = image[..., 0] if subsampling == "grey" else image
            option = "444" if subsampling == "444" else "420"
            options = codec.EncodeSettings(90, subsampling=option, progressive=True)  # type: ignore[arg-type]
            result = codec.encode(image, spot(10, 12), options)
            assert len(result.jpeg) <= result.reference_bytes * 1.01
            path = folder / f"{height}x{width}-{subsampling}.jpg"
            path.write_bytes(result.jpeg)
            paths.append(path)
    return paths


def test_pillow_opens_every_file(written: list[Path]) -> None:
    for path in written:
        with Image.open(path) as image:
            image.load()
            assert image.info["progressive"]
            assert "x".join(str(side) for side in reversed(image.size)) == path.name.split("-")[0]
            assert image.mode == ("L" if "grey" in path.name else "RGB")


def test_ffmpeg_opens_every_file_without_a_warning(written: list[Path]) -> None:
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    for path in written:
        command = [ffmpeg, "-v", "warning", "-xerror", "-i", path, "-f", "null", "-"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, done.stderr) == (0, ""), path.name


@pytest.mark.skipif(shutil.which("djpeg") is None, reason="djpeg is not on PATH")
def test_djpeg_opens_every_file_without_a_warning(written: list[Path]) -> None:
    for path in written:
        done = subprocess.run(["djpeg", path], capture_output=True, check=False, timeout=60)
        assert (done.returncode, done.stderr) == (0, b""), path.name


@pytest.mark.parametrize("quality", [30, 75, 92])
@pytest.mark.parametrize("grey", [False, True])
def test_progressive_files_have_the_references_bytes_too(quality: int, grey: bool) -> None:
    image = scene(200, 264)
    image = image[..., 0] if grey else image
    options = codec.EncodeSettings(quality=quality, progressive=True)
    result = codec.encode(image, spot(50, 66), options)
    assert 0.99 <= len(result.jpeg) / result.reference_bytes <= 1.01
    assert decode_progressive(result.jpeg).markers[:3] == [0xE0, 0xDB, 0xC2]
