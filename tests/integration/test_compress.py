"""A photo goes in over HTTP; a standard JPEG comes out."""

import email.parser
import email.policy
import io
import subprocess
from pathlib import Path

import httpx
import imageio_ffmpeg
import numpy as np
import pi_heif
import pytest
from PIL import Image

from contract.images import IMAGE_FORMATS
from tests.photos import file_of, photo, psnr

SIZE = {"quality": "50", "target": "size"}


def reference_bytes(image: Image.Image, quality: int) -> int:
    """Return the size of the standard JPEG of this quality, made by Pillow."""
    return len(file_of(image, "JPEG", quality=quality, subsampling="4:2:0"))


def parts_of(response: httpx.Response) -> list[tuple[str, bytes]]:
    """Return type and content of each part of a multipart response, by the standard library's parser."""
    head = f"Content-Type: {response.headers['content-type']}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + response.content)
    return [
        (part.get_content_type(), part.get_payload(decode=True)) for part in message.iter_parts()
    ]


@pytest.mark.parametrize("name", IMAGE_FORMATS)
def test_every_format_becomes_a_jpeg_of_the_reference_size(client: httpx.Client, name: str) -> None:
    pixels = photo(320, 240, seed=3)
    data = file_of(pixels, name)
    response = client.post("/compress", params=SIZE, content=data)
    assert response.status_code == 200
    assert response.headers["content-type"] == "image/jpeg"
    assert int(response.headers["x-original-bytes"]) == len(data)
    assert int(response.headers["x-compressed-bytes"]) == len(response.content)
    is_heic = name == "HEIC"  # which Pillow can't read
    picture = pi_heif.open_heif(data).to_pillow() if is_heic else Image.open(io.BytesIO(data))
    decoded = picture.convert("RGB")
    expected = reference_bytes(decoded, 50)
    # That of a JPEG is counted from its coefficients.
    tolerance = 0.01 if name == "JPEG" else 0.0
    assert int(response.headers["x-reference-bytes"]) == pytest.approx(expected, rel=tolerance)
    assert abs(len(response.content) / expected - 1) <= 0.01
    shown = Image.open(io.BytesIO(response.content))
    assert (shown.format, shown.size) == ("JPEG", (320, 240))
    assert psnr(np.asarray(shown), np.asarray(decoded)) > 26


def test_ffmpeg_decodes_the_jpeg_without_a_warning(client: httpx.Client, tmp_path: Path) -> None:
    path = tmp_path / "out.jpg"
    for subsampling in ("420", "444"):
        params = {**SIZE, "subsampling": subsampling}
        response = client.post("/compress", params=params, content=file_of(photo(97, 61)))
        path.write_bytes(response.content)
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "warning", "-xerror", "-i", str(path)]
        ended = subprocess.run(
            [*command, "-f", "null", "-"], capture_output=True, text=True, check=False
        )
        assert (ended.returncode, ended.stderr) == (0, "")


def test_a_form_is_read_like_a_raw_body(client: httpx.Client) -> None:
    data = file_of(photo())
    raw = client.post("/compress", params=SIZE, content=data)
    form = client.post("/compress", files={"file": ("photo.png", data)}, data=SIZE)
    mixed = client.post(
        "/compress?target=size", files={"file": ("x", data)}, data={"quality": "50"}
    )
    assert raw.status_code == form.status_code == mixed.status_code == 200
    assert raw.content == form.content == mixed.content


def test_a_chunked_body_is_read(client: httpx.Client) -> None:
    data = file_of(photo())
    chunks = (data[at : at + 1000] for at in range(0, len(data), 1000))
    assert client.post("/compress", content=chunks).status_code == 200


def test_orientation_is_applied(client: httpx.Client) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    response = client.post("/compress", content=file_of(photo(120, 80), "JPEG", exif=exif))
    shown = Image.open(io.BytesIO(response.content))
    assert shown.size == (80, 120)
    assert 0x0112 not in shown.getexif()


def test_greyscale_stays_greyscale(client: httpx.Client) -> None:
    response = client.post("/compress", content=file_of(photo()[..., 1]))
    assert Image.open(io.BytesIO(response.content)).mode == "L"


def test_the_heatmap_comes_as_a_second_part(client: httpx.Client) -> None:
    data = file_of(photo(320, 240))
    for heatmap, media_type, mode in (
        ("map", "image/png", "L"),
        ("overlay", "image/jpeg", "RGB"),
        ("classes", "image/jpeg", "RGB"),
    ):
        response = client.post(
            "/compress",
            params={"heatmap": heatmap},
            content=data,
            headers={"Accept": "multipart/mixed"},
        )
        assert response.headers["content-type"].startswith("multipart/mixed;")
        (first_type, first), (second_type, second) = parts_of(response)
        assert (first_type, second_type) == ("image/jpeg", media_type)
        assert Image.open(io.BytesIO(first)).size == (320, 240)
        shown = Image.open(io.BytesIO(second))
        assert (shown.mode, shown.size) == (mode, (320, 240))
        assert np.asarray(shown).std() > 1


def test_without_multipart_the_heatmap_is_linked(client: httpx.Client) -> None:
    response = client.post("/compress", params={"heatmap": "map"}, content=file_of(photo()))
    assert response.headers["content-type"] == "image/jpeg"
    link = response.headers["link"]
    heatmap = client.get(link[link.index("<") + 1 : link.index(">")])
    assert heatmap.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(heatmap.content)).size == (160, 120)


def test_strength_and_quality_change_the_file(client: httpx.Client) -> None:
    data = file_of(photo(320, 240))
    jpegs = {
        (quality, strength): client.post(
            "/compress", params={"quality": quality, "strength": strength}, content=data
        ).content
        for quality in ("30", "80")
        for strength in ("0", "1")
    }
    assert len(set(jpegs.values())) == 4
    assert len(jpegs["30", "0"]) < len(jpegs["80", "0"])


def test_the_stages_are_timed(client: httpx.Client) -> None:
    # Other tests have sent this photo, and a cached result has no stages.
    headers = {"Cache-Control": "no-store"}
    response = client.post("/compress", content=file_of(photo()), headers=headers)
    timing = dict(entry.split(";dur=") for entry in response.headers["server-timing"].split(", "))
    assert set(timing) == {"queue", "decode", "predict", "encode"}
    assert all(float(elapsed_ms) >= 0 for elapsed_ms in timing.values())
    assert response.headers["x-request-id"]


@pytest.mark.data
def test_kodak_photos_have_the_reference_size(client: httpx.Client, data_dir: Path) -> None:
    for path in sorted((data_dir / "kodak").glob("*.png"))[::3]:
        response = client.post("/compress", params=SIZE, content=path.read_bytes())
        expected = reference_bytes(Image.open(path).convert("RGB"), 50)
        assert abs(len(response.content) / expected - 1) <= 0.01, path.name
        Image.open(io.BytesIO(response.content)).load()
