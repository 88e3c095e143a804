import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import codec
from codec.jpeg import components
from codec.jpeg.syntax.tables import NATURAL_TO_ZIGZAG
from codec.jpeg.transform import deringing
from codec.jpeg.transform.color import convert_grey
from codec.jpeg.transform.dct import transform
from codec.jpeg.transform.deringing import BLACK, MOST_OVERSHOOT, WHITE, extend_clipped
from codec.settings import EncodeSettings
from tests.codec.jpegs import shown_pixels
from tests.codec.pictures import noise, sky, text
from tests.photos import photo, psnr

BASIS = np.array(
    [
        [np.sqrt((1 if k == 0 else 2) / 8) * np.cos((2 * n + 1) * k * np.pi / 16) for n in range(8)]
        for k in range(8)
    ]
)
TABLE = np.full(64, 14, np.uint16)


def plain_extended(samples: NDArray[np.float32], steps: NDArray[np.uint16]) -> NDArray[np.float64]:
    """Return the samples of one block, with clipped ones moved beyond black and white."""
    white, black = samples > WHITE - 0.01, samples < BLACK + 0.01
    low = np.where(black, BLACK - MOST_OVERSHOOT, samples)
    high = np.where(white, WHITE + MOST_OVERSHOOT, samples)
    block = samples.astype(np.float64)
    for _ in range(8):
        spectrum = BASIS @ block @ BASIS.T
        small = np.abs(spectrum) < steps.reshape(8, 8)
        small[0, 0] = False
        rebuilt = BASIS.T @ np.where(small, 0, spectrum) @ BASIS
        block = np.clip(block + 1.5 * (rebuilt - block), low, high)
        for sign, bound in ((1, WHITE), (-1, -BLACK)):
            beyond = np.maximum(sign * block - bound, 0)
            excess = (sign * block).sum() - 64 * bound
            if excess > 0:
                block = sign * (sign * block - beyond * (excess / beyond.sum()))
    return block


def extended(
    image: NDArray[np.uint8], table: NDArray[np.uint16] = TABLE
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Return the plane of a grey image, its coefs, and those with overshoot."""
    plane = convert_grey(image, *image.shape)
    before = transform(plane)
    after = before.copy()
    extend_clipped(plane, table, after)
    return plane, before, after


def samples_of(coefs: NDArray[np.float32]) -> NDArray[np.float64]:
    natural = coefs[..., NATURAL_TO_ZIGZAG].reshape(*coefs.shape[:2], 8, 8).astype(np.float64)
    return (BASIS.T @ natural @ BASIS).swapaxes(1, 2).reshape(coefs.shape[0] * 8, -1)


LETTERS = text(96, 160)[..., 0]
PICTURES = [LETTERS, 255 - LETTERS, np.where(noise(64, 64)[..., 0] > 99, LETTERS[:64, :64], 0)]


@pytest.mark.parametrize("image", PICTURES, ids=["on white", "on black", "torn"])
def test_only_clipped_samples_move_and_only_outwards(image: NDArray[np.uint8]) -> None:
    plane, _, after = extended(image)
    moved = samples_of(after)
    white, black = plane == WHITE, plane == BLACK
    assert np.abs((moved - plane)[~white & ~black]).max(initial=0) < 1e-3
    assert moved[white].min() > WHITE - 1e-3
    assert moved.max() < WHITE + MOST_OVERSHOOT + 1e-3
    assert moved[black].max() < BLACK + 1e-3
    assert moved.min() > BLACK - MOST_OVERSHOOT - 1e-3
    assert (moved[white] > WHITE + 5).any()


@pytest.mark.parametrize("image", PICTURES, ids=["on white", "on black", "torn"])
def test_coefficients_stay_in_range_and_less_energy_is_below_their_step(
    image: NDArray[np.uint8],
) -> None:
    _, before, after = extended(image)
    assert 8 * BLACK - 0.01 <= after[..., 0].min() <= after[..., 0].max() <= 8 * WHITE + 0.01
    assert np.abs(after[..., 1:]).max() <= 1023
    dropped = [(coefs**2)[np.abs(coefs) < 14].sum() for coefs in (before, after)]
    assert dropped[1] < 0.8 * dropped[0]


def test_every_block_is_that_of_a_plain_implementation() -> None:
    table = (10 + np.arange(64)).astype(np.uint16)
    plane, _, after = extended(LETTERS, table)
    moved = samples_of(after)
    near = []
    for top in range(0, plane.shape[0], 8):
        for left in range(0, plane.shape[1], 8):
            block = plane[top : top + 8, left : left + 8]
            expected = plain_extended(block, table[NATURAL_TO_ZIGZAG])
            near.append(np.abs(moved[top : top + 8, left : left + 8] - expected).max() < 0.02)
    # A coefficient may equal its step except for the last bit, and be dropped by one of the two.
    assert np.mean(near) > 0.97


def test_only_coefs_of_blocks_clipped_in_part_change() -> None:
    image = np.clip(sky(64, 64)[..., 0], 1, 254)
    image[:16, :16] = 255
    image[16:32, :16] = 0
    image[40:48, 40:43] = 255
    _, before, after = extended(image)
    changed = (before != after).any(axis=-1)
    assert changed[5, 5]
    assert changed.sum() == 1


@pytest.mark.parametrize("image", PICTURES[:2], ids=["on white", "on black"])
def test_only_blocks_clipped_in_part_are_worked_on(image: NDArray[np.uint8]) -> None:
    plane = convert_grey(image, *image.shape)
    blocks = plane.reshape(plane.shape[0] // 8, 8, plane.shape[1] // 8, 8).swapaxes(1, 2)
    least, most = blocks.min((2, 3)), blocks.max((2, 3))
    expected = ((least == BLACK) | (most == WHITE)) & (most - least > 1)
    assert 0 < expected.sum() < expected.size
    assert deringing._list_clipped(plane).tolist() == np.argwhere(expected).tolist()


@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("inverted", [False, True])
def test_text_is_better_in_the_same_bytes(
    inverted: bool, grey: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = text(160, 240)[..., 0] if grey else text(160, 240)
    image = 255 - image if inverted else image
    after = codec.encode(image, None, EncodeSettings(quality=60))
    monkeypatch.setattr(components, "extend_clipped", lambda *_: None)
    before = codec.encode(image, None, EncodeSettings(quality=60))
    assert len(after.jpeg) < 1.01 * after.reference_bytes
    assert psnr(shown_pixels(after.jpeg), image) > psnr(shown_pixels(before.jpeg), image) + 2


def test_a_photo_without_clipped_samples_has_the_same_bytes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    image = np.clip(photo(200, 152), 2, 253)
    after = codec.encode(image, None, EncodeSettings())
    monkeypatch.setattr(components, "extend_clipped", lambda *_: None)
    assert codec.encode(image, None, EncodeSettings()) == after


@pytest.mark.parametrize("quality", [1, 30, 75, 95, 100])
def test_white_stays_white_and_black_black_at_every_quality(quality: int) -> None:
    image = text(96, 128)
    jpeg = codec.encode(image, None, EncodeSettings(quality=quality)).jpeg
    with Image.open(io.BytesIO(jpeg)) as opened:
        decoded = np.asarray(opened.convert("L"), np.float64)
    for tone in (0, 255):
        difference = np.abs(decoded - tone)[image[..., 0] == tone].mean()
        assert difference < (100 if quality == 1 else 12)
