"""Every encoder's measures of one photo: what each process of `bench rd` does."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from bench.datasets.photos import Photo, locate_gaze, read_map, read_photo
from bench.encoders import (
    FIDELITY,
    FOVEATE,
    STANDARD,
    STRENGTHS,
    Map,
    Writing,
    decode,
    encode_ours,
    encode_standard,
    prepare_rival,
)
from bench.metrics import full_reference as metrics
from bench.metrics import ssimulacra2_fast as fast_ssimulacra2
from bench.metrics.butteraugli import butteraugli, load_library
from bench.metrics.full_reference import SHORTEST_SIDE_PX, Picture
from bench.metrics.gaze import fixation_density, locate_fixations
from bench.metrics.regions import keep_elsewhere, salient_region, scale_map, soften
from bench.metrics.ssimulacra2_fast import Scale, prepare_original
from bench.rd.crops import cut_crop, locate_crop
from bench.rd.equal_bytes import enclose_bytes, find_bytes, measure_at

Measures = dict[str, float]

# Enough to tell encoders apart and to repeat on another machine, whose last bits may differ.
DIGITS: Final = 5


@dataclass(frozen=True)
class Choice:
    """What is measured of every photo."""

    qualities: tuple[int, ...]
    strength: float
    rivals: tuple[str, ...]
    crops: bool = False
    fidelity: bool = False
    """Encode with `target="quality"` too, and find the others' bytes at what that looks like."""
    more_strengths: tuple[float, ...] = ()
    """Encoded besides, as `foveate@0.2`."""

    def strengths(self) -> dict[str, float]:
        """Return ours by name."""
        named = {
            name: self.strength if fixed is None else fixed for name, fixed in STRENGTHS.items()
        }
        return named | {f"{FOVEATE}@{own:g}": own for own in self.more_strengths}


@dataclass
class Measured:
    """What came of one photo."""

    photo: Photo
    shape: tuple[int, int] = (0, 0)
    rows: dict[str, dict[str, Measures]] = field(default_factory=dict)
    """By quality, then by encoder."""
    crops: dict[str, bytes] = field(default_factory=dict)
    """PNG by encoder, at the first quality, and "original"."""
    error: str = ""


@dataclass(frozen=True)
class Scene:
    """A photo, its map, and where its errors count."""

    image: Picture
    luma: NDArray[np.float64]
    saliency: Map
    region: NDArray[np.bool_]
    """Hottest quarter of the map."""
    density: NDArray[np.float64] | None
    """Of fixations, with a sum of 1."""
    looked_at: NDArray[np.float64]
    """Hottest quarter of the density, without one of the map; its edge is soft."""
    scales: list[Scale]
    """Of the image, for SSIMULACRA2."""


@cache
def predict() -> Callable[[Picture], Map]:
    """Return the network's own maps."""
    from model import Predictor  # noqa: PLC0415 -- its weights only where no maps are given

    # In the precision that every machine has, so that the figures are the same on all.
    predictor = Predictor(device="cpu", precision=torch.float32)
    return lambda image: predictor.predict([predictor.prepare(Image.fromarray(image))])[0]


def measure_photo(photo: Photo, choice: Choice) -> Measured:
    """Return all measures of a photo, or why there are none."""
    try:
        image = read_photo(photo)
        saliency = read_map(photo.map_path) if photo.map_path else predict()(image)
        scene = look_at(image, saliency, photo)
        measured = Measured(photo, shape=(image.shape[0], image.shape[1]))
        for quality in choice.qualities:
            crops = measured.crops if choice.crops and not measured.rows else None
            measured.rows[str(quality)] = measure_encoders(scene, quality, choice, crops)
    except ValueError as error:
        return Measured(photo, error=str(error))
    return measured


def look_at(image: Picture, saliency: Map, photo: Photo) -> Scene:
    """Return a photo with the places that count."""
    shape = (image.shape[0], image.shape[1])
    full = scale_map(saliency, shape)
    region = salient_region(full)
    density = None
    if photo.fixations_xy:
        points = locate_gaze(photo.fixations_xy, shape)
        density = fixation_density(locate_fixations(points, shape), shape)
    hot = region if density is None else salient_region(density)
    scales = prepare_original(image)
    return Scene(image, metrics.to_luma(image), saliency, region, density, soften(hot), scales)


def measure_encoders(
    scene: Scene, quality: int, choice: Choice, crops: dict[str, bytes] | None
) -> dict[str, Measures]:
    """Return every encoder's measures at one quality; keep their crops in `crops`."""
    rows: dict[str, Measures] = {}
    corner = locate_crop(scene.looked_at)
    if crops is not None:
        crops["original"] = cut_crop(scene.image, corner)

    def keep(name: str, jpeg: bytes) -> None:
        if crops is not None:
            crops[name] = cut_crop(decode(jpeg), corner)

    started = time.perf_counter()
    standard = encode_standard(scene.image, quality)
    ms = (time.perf_counter() - started) * 1000
    rows[STANDARD] = {"bytes": len(standard), **measure_file(scene, standard), "ms": ms}
    keep(STANDARD, standard)
    for name, strength in choice.strengths().items():
        started = time.perf_counter()
        jpeg, passes = encode_ours(scene.image, scene.saliency, quality, strength)
        ms = (time.perf_counter() - started) * 1000
        rows[name] = {"bytes": len(jpeg), **measure_file(scene, jpeg), "ms": ms, "passes": passes}
        keep(name, jpeg)
    if choice.fidelity:
        rows[FIDELITY] = measure_fidelity(scene, quality, choice)
    for name in choice.rivals:
        started = time.perf_counter()
        write = prepare_rival(name, scene.image, scene.saliency, quality)
        prepared_ms = (time.perf_counter() - started) * 1000
        pair = enclose_bytes(write, len(standard))
        row = measure_at(pair, len(standard), lambda jpeg: measure_file(scene, jpeg))
        rows[name] = {**row, "ms": prepared_ms + pair[0].encode_ms}
        keep(name, min(pair, key=lambda file: abs(len(file.jpeg) - len(standard))).jpeg)
    for row in rows.values():
        row["bytes_ratio"] = row["bytes"] / len(standard)
    return {name: round_measures(row) for name, row in rows.items()}


def measure_fidelity(scene: Scene, quality: int, choice: Choice) -> Measures:
    """Return the measures with `target="quality"`, and its bytes over others' that look as good.

    They do where SSIMULACRA2 is the same in the quarter looked at most.
    """
    started = time.perf_counter()
    jpeg, passes = encode_ours(scene.image, scene.saliency, quality, choice.strength, "quality")
    ms = (time.perf_counter() - started) * 1000
    row: Measures = {"bytes": len(jpeg), **measure_file(scene, jpeg), "ms": ms, "passes": passes}
    if "ssimulacra2_gaze" not in row:
        return row

    def look(other: bytes) -> float:
        composite = keep_elsewhere(scene.image, decode(other), scene.looked_at)
        return fast_ssimulacra2.score(scene.scales, composite)

    ways: dict[str, Writing] = {STANDARD: partial(encode_standard, scene.image)}
    for name in choice.rivals:
        ways[name] = prepare_rival(name, scene.image, scene.saliency, quality)
    for name, write in ways.items():
        found = find_bytes(write, look, row["ssimulacra2_gaze"])
        if found is not None:
            row[f"bytes_over_{name}"] = len(jpeg) / found
    return row


def round_measures(row: Mapping[str, Any]) -> Measures:
    """Return the measures with the digits that mean something."""
    return {
        key: value if isinstance(value, int) else round(value, 1 if key == "ms" else DIGITS)
        for key, value in row.items()
    }


def measure_file(scene: Scene, jpeg: bytes) -> Measures:
    """Return all quality columns of one file that the photo is large enough for."""
    decoded = decode(jpeg)
    luma, own = scene.luma, metrics.to_luma(decoded)
    composite = keep_elsewhere(scene.image, decoded, scene.looked_at)
    fits = {name for name, side in SHORTEST_SIDE_PX.items() if min(luma.shape) >= side}
    row = {
        "psnr": metrics.psnr(scene.image, decoded),
        "psnr_y": metrics.psnr(luma, own),
    }
    if scene.region.any():
        row["psnr_s"] = metrics.psnr(luma[scene.region], own[scene.region])
    if scene.density is not None:
        row["psnr_gaze"] = metrics.psnr(luma, own, scene.density)
    for name in ("ssim", "ms_ssim", "vifp"):
        if name in fits:
            row[name] = getattr(metrics, name)(luma, own)
    if "psnr_hvs" in fits:
        row["psnr_hvs"], row["psnr_hvs_m"] = metrics.psnr_hvs(luma, own)
    if "ssimulacra2" in fits:
        row["ssimulacra2"] = fast_ssimulacra2.score(scene.scales, decoded)
        row["ssimulacra2_gaze"] = fast_ssimulacra2.score(scene.scales, composite)
        if load_library() is not None:
            row["butteraugli"] = butteraugli(scene.image, decoded)
            row["butteraugli_gaze"] = butteraugli(scene.image, composite)
    return row
