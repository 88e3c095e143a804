"""The options of one encode and its result."""

from dataclasses import dataclass
from numbers import Real
from typing import Literal, get_args

Target = Literal["size", "quality"]
Subsampling = Literal["auto", "420", "444"]
Tune = Literal["perceptual", "psnr"]


@dataclass(frozen=True, slots=True)
class EncodeSettings:
    """Options of one encode.

    Raises:
        ValueError: an option is out of its range.
    """

    quality: int = 75
    """1..100 on libjpeg's scale: the quality of the reference, a standard JPEG."""
    strength: float = 0.6
    """0..1: how strongly the saliency map moves bits; 0 ignores the map."""
    subsampling: Subsampling = "auto"
    """Chroma subsampling; `auto` is 4:4:4 where 4:2:0 would blur coloured edges, otherwise 4:2:0."""
    progressive: bool = False
    """Whether the file is progressive (SOF2) instead of baseline (SOF0)."""

    target: Target = "size"
    """`size`: the bytes of the reference. `quality`: the fewest bytes with which the salient region is as
    good as in the reference, and the background as good as in the reference at quality `floor`; never
    more bytes than the reference."""
    floor: int | None = None
    """1..100, for `target=quality`: the background is at least as good as the reference at this quality.
    None means `quality` − 35, but at least 10."""
    max_bytes: int | None = None
    """Upper limit on the bytes of the file; None sets no limit."""
    tune: Tune = "perceptual"
    """`perceptual`: constants for how the photo looks where people look. `psnr`: for PSNR and its kin."""

    def __post_init__(self) -> None:
        for name, choice in (("target", Target), ("tune", Tune), ("subsampling", Subsampling)):
            _require_choice(name, getattr(self, name), get_args(choice))
        _require("quality", self.quality, int)
        if not 1 <= self.quality <= 100:
            raise ValueError(f"quality must lie in 1..100, not {self.quality}")
        _require("strength", self.strength, Real)
        if not 0.0 <= self.strength <= 1.0:
            raise ValueError(f"strength must lie in 0..1, not {self.strength}")
        if not isinstance(self.progressive, bool):
            raise ValueError(f"progressive must be True or False, not {self.progressive!r}")

        if self.floor is not None:
            _require("floor", self.floor, int)
            if not 1 <= self.floor <= 100:
                raise ValueError(f"floor must lie in 1..100, not {self.floor}")
        if self.max_bytes is not None:
            _require("max_bytes", self.max_bytes, int)
            if self.max_bytes < 1:
                raise ValueError(f"max_bytes must be at least 1, not {self.max_bytes}")

    @property
    def least_quality(self) -> int:
        """Quality of the reference that the background must reach: the floor, at most `quality`."""
        return min(max(self.quality - 35, 10) if self.floor is None else self.floor, self.quality)


def _require(name: str, value: object, kind: type) -> None:
    if isinstance(value, bool) or not isinstance(value, kind):
        noun = "an integer" if kind is int else "a number"
        raise ValueError(f"{name} must be {noun}, not {value!r}")


def _require_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        listed = f"{', '.join(choices[:-1])} or {choices[-1]}"
        raise ValueError(f"{name} must be {listed}, not {value!r}")


class OutOfReachError(ValueError):
    """Even the coarsest quantization takes more than `max_bytes`, namely `smallest_bytes`."""

    def __init__(self, max_bytes: int, smallest_bytes: int) -> None:
        super().__init__(f"no file of at most {max_bytes} bytes: the smallest has {smallest_bytes}")
        self.max_bytes = max_bytes
        self.smallest_bytes = smallest_bytes


@dataclass(frozen=True, slots=True)
class Encoded:
    """A finished file, and figures of its rate search."""

    data: bytes
    reference_bytes: int
    """Bytes of the standard JPEG at the same quality."""
    passes: int
    """Of a JPEG: full and adjusted passes of the search; sampled ones are not counted. Of other formats:
    whole encodes."""

    @property
    def jpeg(self) -> bytes:
        """The bytes, where they are known to be a JPEG."""
        return self.data
