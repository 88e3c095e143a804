"""``python -m tests.fuzz.heic SECONDS [SEED]``: damaged HEIC through decoding, and sound ones between.

The inputs of a seed are the same in every run. An error that is not the client's, a sound photo that is
not decoded, and memory that grows end the run with an error. Prints the outcomes as JSON.
"""

import json
import random
import struct
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import numpy as np

from contract.errors import ClientError
from contract.messages import Options
from tests.contract.image_headers.heif_files import HeifItem, box, full_box, heif_file
from tests.heic_files import code, heic_of, mirror, turn
from tests.photos import photo
from worker.image.decode import decode

MAX_PIXELS: Final = 400_000
SOUND_EVERY: Final = 50
MAX_GROWTH_BYTES: Final = 200 * 1024 * 1024
EXTREMES: Final = (0, 1, 2, 3, 0x3F, 0x40, 0x7F, 0x80, 0xFE, 0xFF)


def make_seeds() -> list[bytes]:
    """Return small files of many kinds."""
    pixels = photo(64, 48)
    deep = pixels.astype(np.uint16) * 257
    tile = code(pixels, chroma="420")
    content = struct.pack(">BBBBHH", 0, 0, 1, 1, 120, 90)
    grid = HeifItem(b"grid", content, (120, 90), [tile.properties[2]], parts=range(2, 6))
    crop = box(b"clap", struct.pack(">8i", 40, 1, 30, 1, -4, 1, -5, 1))
    overlay = struct.pack(">BB4HHHhh", 0, 0, 9, 9, 9, 9, 100, 80, 5, 5)
    return [
        heic_of(pixels),
        heic_of(pixels, chroma="420"),
        heic_of(deep, depth=10, chroma="422"),
        heic_of(deep, depth=12),
        heic_of(pixels[..., 0]),
        heif_file([code(pixels, [turn(1), mirror(1), crop])], b"heic"),
        heif_file([grid, *[tile] * 4], b"heic"),
        heif_file([HeifItem(b"iovl", overlay, (100, 80), parts=[2]), tile], b"heic"),
        heif_file([tile, code(pixels[..., 0]), HeifItem(b"Exif", bytes(40), None)], b"heic"),
        heif_file(
            [
                HeifItem(
                    b"iden", b"", (64, 48), [full_box(b"pixi", bytes((3, 8, 8, 8)))], parts=[2]
                ),
                tile,
            ]
        ),
    ]


def set_bytes(data: bytearray, rng: random.Random, at: int) -> None:
    """Set a field of 1, 2 or 4 bytes to an extreme value."""
    size = rng.choice((1, 1, 2, 4))
    data[at : at + size] = bytes((rng.choice(EXTREMES),)) * size


def flip_bit(data: bytearray, rng: random.Random, at: int) -> None:
    """Flip a bit."""
    data[at] ^= 1 << rng.randrange(8)


def copy_part(data: bytearray, rng: random.Random, at: int) -> None:
    """Copy a part to another place."""
    start = rng.randrange(len(data))
    part = data[start : start + rng.choice((1, 4, 16, 64))]
    data[at : at + len(part)] = part


def remove(data: bytearray, rng: random.Random, at: int) -> None:
    """Remove a part."""
    del data[at : at + rng.choice((1, 4, 16))]


MUTATIONS: Final[tuple[Callable[[bytearray, random.Random, int], None], ...]] = (
    set_bytes,
    flip_bit,
    copy_part,
    remove,
)


def mutate(seeds: list[bytes], seed: int) -> Iterator[bytes]:
    """Yield damaged files without end; boxes and parameter sets are hit more often than pixels."""
    rng = random.Random(seed)
    while True:
        data = bytearray(rng.choice(seeds))
        header = data.index(b"mdat") + 64
        for _ in range(rng.choice((1, 1, 2, 4, 16))):
            most = min(len(data), header if rng.random() < 0.5 else len(data))
            rng.choice(MUTATIONS)(data, rng, rng.randrange(24, most))
        yield bytes(data)


def measure_memory_bytes() -> int:
    """Return the memory in use of this process, which stands for the worker."""
    fields = Path("/proc/self/statm").read_text(encoding="ascii").split()
    return int(fields[1]) * 4096


def main() -> int:
    """Fuzz for the given number of seconds."""
    seconds, seed = float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1
    seeds = make_seeds()
    sound = seeds[0]
    decode(sound, MAX_PIXELS, Options())
    before_bytes = measure_memory_bytes()
    outcomes: Counter[str] = Counter()
    longest_s, end_s = 0.0, time.monotonic() + seconds
    for number, data in enumerate(mutate(seeds, seed)):
        if (started_s := time.monotonic()) > end_s:
            break
        try:
            decode(data, MAX_PIXELS, Options())
            outcomes["decoded"] += 1
        except ClientError as error:
            outcomes[f"{error.code}: {error.detail}"] += 1
        longest_s = max(longest_s, time.monotonic() - started_s)
        if number % SOUND_EVERY == 0:
            decode(sound, MAX_PIXELS, Options())
    grown_bytes = measure_memory_bytes() - before_bytes
    figures = {
        "inputs": outcomes.total(),
        "longest_s": round(longest_s, 2),
        "grown_bytes": grown_bytes,
    }
    print(json.dumps({**figures, "outcomes": dict(outcomes.most_common(20))}, indent=1))
    return int(grown_bytes > MAX_GROWTH_BYTES)


if __name__ == "__main__":
    sys.exit(main())
