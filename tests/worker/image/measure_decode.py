"""``python -m tests.worker.image.measure_decode``: decodes uploads that ask for far more than they show.

Prints JSON: the outcome of each, the bytes of memory and the seconds of CPU time that it took.
"""

import json
import struct
import time
import zlib
from dataclasses import replace
from pathlib import Path

from PIL import Image

from bench.environment import read_status_bytes
from contract.errors import ClientError
from contract.messages import Options
from tests.contract.image_headers.heif_files import HeifItem, heif_file, make_grid, make_tile
from tests.photos import file_of
from worker.image.decode import decode
from worker.image.limits import limit_pillow

MAX_PIXELS = 1_000_000
SIDE_PX = 3_000
PNG = file_of(Image.new("L", (8, 8)))
EMPTY_CHUNK = struct.pack(">I4sI", 0, b"prVt", zlib.crc32(b"prVt"))


def make_bombs() -> dict[str, bytes]:
    """Return uploads by name."""
    tile = make_tile(64, 64)
    large = make_tile(SIDE_PX, SIDE_PX)
    grid = make_grid(1, 1, (SIDE_PX, SIDE_PX), large)
    return {
        "a frame of AVIF beyond its size": heif_file([replace(large, size_px=(64, 64))]),
        "a grid of AVIF beyond its size": heif_file([replace(grid[0], size_px=(64, 64)), large]),
        "tiles of AVIF that share their pieces": shared_pieces(tile, 2_000_000),
        "a frame of GIF after an empty extension": hidden_gif_frame(SIDE_PX),
        "a frame of WebP beyond its canvas": large_webp_frame(),
        "numbers of EXIF by the million": many_numbers(1_000_000),
        "a text of PNG that unpacks to megabytes": packed_chunk(
            b"zTXt", b"Raw profile type exif\0\0"
        ),
        "a profile of PNG that unpacks to megabytes": packed_chunk(b"iCCP", b"name\0\0"),
        "chunks of PNG by the hundred thousand": PNG[:33] + EMPTY_CHUNK * 300_000 + PNG[33:],
        "strips of TIFF by the million": many_strips(2_000_000),
        "scans of JPEG by the thousand": many_scans(2_000),
    }


def shared_pieces(tile: HeifItem, size_bytes: int) -> bytes:
    """Return a grid of 64 tiles that are all the same two pieces of the file."""
    content = tile.content.ljust(size_bytes, b"\0")
    extents = [(0, len(tile.content)), (len(tile.content), size_bytes - len(tile.content))]
    grid, *tiles = make_grid(8, 8, (512, 512), replace(tile, content=b"", extents=extents))
    data = bytearray(heif_file([grid, replace(tiles[0], content=content), *tiles[1:]]))
    # All others begin where the first one does.
    entries = data.index(b"iloc") + 12 + 20
    first = data[entries + 6 : entries + 10]
    for number in range(64):
        at = entries + 28 * number
        data[at + 6 : at + 10] = first
    return bytes(data)


def hidden_gif_frame(side_px: int) -> bytes:
    """Return a GIF of which Pillow skips the first frame, as bytes of an extension."""

    def frame(px: int) -> bytes:
        return b",\0\0\0\0" + struct.pack("<HHB", px, px, 0) + b"\2\2D\1\0"

    start = b"GIF89a\x08\0\x08\0\x80\0\0" + bytes(6)
    small = frame(8).ljust(45, b"\0")
    return start + b"!\xf9\0" + small + b"\0!\xf9\4\x08\0\0\0\0" + frame(side_px) + b";"


def large_webp_frame() -> bytes:
    """Return a WebP whose frame does not fit into its canvas."""
    frame = file_of(Image.new("RGB", (SIDE_PX, SIDE_PX)), "WEBP", lossless=True, method=0)
    canvas = b"VP8X" + struct.pack("<II", 10, 0) + b"\7\0\0\7\0\0"
    content = b"WEBP" + canvas + frame[12:]
    return b"RIFF" + struct.pack("<I", len(content)) + content


def many_strips(count: int) -> bytes:
    """Return a TIFF of 8×8 pixels in so many strips."""
    offset = 8 + 2 + 12 * 9 + 4
    tags = [(number, 4, 1, value) for number, value in ((256, 8), (257, 8), (258, 8), (259, 1))]
    tags += [
        (262, 4, 1, 1),
        (273, 4, count, offset),
        (277, 4, 1, 1),
        (278, 4, 1, 1),
        (279, 4, 1, 8),
    ]
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + bytes(4 * count)


def many_numbers(count: int) -> bytes:
    """Return a PNG of 8×8 pixels, and behind them EXIF with so many orientations."""
    exif = struct.pack("<4sIHHHIII", b"II*\0", 8, 1, 0x0112, 5, count, 26, 0) + bytes(8 * count)
    chunk = b"eXIf" + exif
    png = file_of(Image.new("L", (8, 8)))
    parts = struct.pack(">I", len(exif)), chunk, struct.pack(">I", zlib.crc32(chunk))
    return png[:-12] + b"".join(parts) + png[-12:]


def packed_chunk(kind: bytes, start: bytes) -> bytes:
    """Return a PNG with a chunk that unpacks to 50 MB."""
    packer = zlib.compressobj(9)
    chunk = kind + start + b"".join(packer.compress(bytes(1_000_000)) for _ in range(50))
    chunk += packer.flush()
    parts = struct.pack(">I", len(chunk) - 4), chunk, struct.pack(">I", zlib.crc32(chunk))
    return PNG[:33] + b"".join(parts) + PNG[33:]


def many_scans(count: int) -> bytes:
    """Return a JPEG whose last scan is repeated."""
    data = file_of(Image.new("L", (1_000, 1_000), 90), "JPEG", progressive=True)
    return data[:-2] + data[data.rindex(b"\xff\xda") : -2] * count + data[-2:]


def measure(data: bytes) -> tuple[str, int, float]:
    """Return the outcome of decoding, its memory and its CPU time."""
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # the peak starts anew
    before_bytes, started_s = read_status_bytes("VmRSS") or 0, time.process_time()
    try:
        outcome = "x".join(map(str, decode(data, MAX_PIXELS, Options()).image.size))
    except ClientError as error:
        outcome = error.code
    taken_s = time.process_time() - started_s
    return outcome, (read_status_bytes("VmHWM") or 0) - before_bytes, taken_s


def main() -> None:
    """Measure each upload."""
    limit_pillow(MAX_PIXELS)
    print(json.dumps({name: measure(data) for name, data in make_bombs().items()}))


if __name__ == "__main__":
    main()
