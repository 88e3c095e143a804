"""All measures of all encoders for one photo."""

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
    Writer,
    decode,
    encode_ours,
    encode_standard,
    prepare_rival,
)
from bench.metrics import Picture, full_reference, ssimulacra2_fast
from bench.metrics.butteraugli import butteraugli, load_library
from bench.metrics.full_reference import SHORTEST_SIDE_PX
from bench.metrics.gaze import fixation_density, locate_fixations
from bench.metrics.regions import keep_elsewhere, salient_region, scale_map, soften
from bench.metrics.ssimulacra2_fast import Scale, prepare_original
from bench.rd.crops import cut_crop, locate_crop
from bench.rd.equal_bytes import enclose_bytes, find_bytes, measure_at
from codec.settings import Tune

Measures = dict[str, float]

# Enough to compare encoders; further digits differ between machines.
DIGITS: Final = 5


@dataclass(frozen=True)
class MeasureOptions:
    """Qualities, strengths and rivals to measure for each photo."""

    qualities: tuple[int, ...]
    strength: float
    rivals: tuple[str, ...]
    crops: bool = False
    fidelity: bool = False
    """Encode with `target="quality"` too, and find other encoders' bytes at the same SSIMULACRA2."""
    tune: Tune = "perceptual"
    more_strengths: tuple[float, ...] = ()
    """Further strengths, named like `foveate@0.2`."""

    def strengths(self) -> dict[str, float]:
        """Return the strengths of Foveate's encoder by name."""
        named = {
            name: self.strength if fixed is None else fixed for name, fixed in STRENGTHS.items()
        }
        return named | {f"{FOVEATE}@{strength:g}": strength for strength in self.more_strengths}


@dataclass
class PhotoMeasures:
    """The measures of one photo, or the error that prevented them."""

    photo: Photo
    shape: tuple[int, int] = (0, 0)
    rows: dict[str, dict[str, Measures]] = field(default_factory=dict)
    """By quality, then by encoder."""
    crops: dict[str, bytes] = field(default_factory=dict)
    """PNG by encoder, at the first quality, and "original"."""
    error: str = ""


@dataclass(frozen=True)
class Scene:
    """A photo with its saliency map and the regions that measures use."""

    image: Picture
    luma: NDArray[np.float64]
    saliency: Map
    region: NDArray[np.bool_]
    """The hottest quarter of the map."""
    density: NDArray[np.float64] | None
    """Density of the fixations, with a sum of 1; None without recorded gaze."""
    looked_at: NDArray[np.float64]
    """The hottest quarter of the density, or without it of the map; with a soft edge."""
    scales: list[Scale]
    """The image prepared for SSIMULACRA2."""


@cache
def load_prediction() -> Callable[[Picture], Map]:
    """Return a function that predicts a map with the network."""
    from model.torch_predictor import TorchPredictor  # noqa: PLC0415 -- not needed if maps are given

    # Every machine supports float32, so figures are the same on all.
    predictor = TorchPredictor(device="cpu", precision=torch.float32)
    return lambda image: predictor.predict([predictor.prepare(Image.fromarray(image))])[0].saliency


def measure_photo(photo: Photo, options: MeasureOptions) -> PhotoMeasures:
    """Return all measures of a photo, or the reason why there are none."""
    try:
        image = read_photo(photo)
        saliency = read_map(photo.map_path) if photo.map_path else load_prediction()(image)
        scene = prepare_scene(image, saliency, photo)
        measured = PhotoMeasures(photo, shape=(image.shape[0], image.shape[1]))
        for quality in options.qualities:
            crops = measured.crops if options.crops and not measured.rows else None
            measured.rows[str(quality)] = measure_encoders(scene, quality, options, crops)
    except ValueError as error:
        return PhotoMeasures(photo, error=str(error))
    return measured


def prepare_scene(image: Picture, saliency: Map, photo: Photo) -> Scene:
    """Return a photo with its map, regions and gaze density."""
    shape = (image.shape[0], image.shape[1])
    full = scale_map(saliency, shape)
    region = salient_region(full)
    density = None
    if photo.fixations_xy:
        points = locate_gaze(photo.fixations_xy, shape)
        density = fixation_density(locate_fixations(points, shape), shape)
    hot = region if density is None else salient_region(density)
    scales = prepare_original(image)
    return Scene(
        image, full_reference.to_luma(image), saliency, region, density, soften(hot), scales
    )


def measure_encoders(
    scene: Scene, quality: int, options: MeasureOptions, crops: dict[str, bytes] | None
) -> dict[str, Measures]:
    """Return the measures of all encoders at one quality; store their crops in `crops`."""
    rows: dict[str, Measures] = {}
    corner = locate_crop(scene.looked_at)
    if crops is not None:
        crops["original"] = cut_crop(scene.image, corner)

    def save_crop(name: str, jpeg: bytes) -> None:
        if crops is not None:
            crops[name] = cut_crop(decode(jpeg), corner)

    started = time.perf_counter()
    standard = encode_standard(scene.image, quality)
    ms = (time.perf_counter() - started) * 1000
    rows[STANDARD] = {"bytes": len(standard), **measure_file(scene, standard), "ms": ms}
    save_crop(STANDARD, standard)
    for name, strength in options.strengths().items():
        started = time.perf_counter()
        jpeg, passes = encode_ours(
            scene.image, scene.saliency, quality, strength, tune=options.tune
        )
        ms = (time.perf_counter() - started) * 1000
        rows[name] = {"bytes": len(jpeg), **measure_file(scene, jpeg), "ms": ms, "passes": passes}
        save_crop(name, jpeg)
    if options.fidelity:
        rows[FIDELITY] = measure_fidelity(scene, quality, options)
    for name in options.rivals:
        started = time.perf_counter()
        write = prepare_rival(name, scene.image, scene.saliency, quality)
        prepared_ms = (time.perf_counter() - started) * 1000
        pair = enclose_bytes(write, len(standard))
        row = measure_at(pair, len(standard), lambda jpeg: measure_file(scene, jpeg))
        rows[name] = {**row, "ms": prepared_ms + pair[0].encode_ms}
        save_crop(name, min(pair, key=lambda file: abs(len(file.jpeg) - len(standard))).jpeg)
    for row in rows.values():
        row["bytes_ratio"] = row["bytes"] / len(standard)
    return {name: round_measures(row) for name, row in rows.items()}


def measure_fidelity(scene: Scene, quality: int, options: MeasureOptions) -> Measures:
    """Return the measures with `target="quality"`, and its bytes relative to other encoders' bytes.

    The other encoders' files have the same SSIMULACRA2 in the most salient quarter.
    """
    started = time.perf_counter()
    jpeg, passes = encode_ours(
        scene.image, scene.saliency, quality, options.strength, "quality", tune=options.tune
    )
    ms = (time.perf_counter() - started) * 1000
    row: Measures = {"bytes": len(jpeg), **measure_file(scene, jpeg), "ms": ms, "passes": passes}
    if "ssimulacra2_gaze" not in row:
        return row

    def score_gaze(other: bytes) -> float:
        composite = keep_elsewhere(scene.image, decode(other), scene.looked_at)
        return ssimulacra2_fast.score(scene.scales, composite)

    writers: dict[str, Writer] = {STANDARD: partial(encode_standard, scene.image)}
    for name in options.rivals:
        writers[name] = prepare_rival(name, scene.image, scene.saliency, quality)
    for name, write in writers.items():
        found = find_bytes(write, score_gaze, row["ssimulacra2_gaze"])
        if found is not None:
            row[f"bytes_over_{name}"] = len(jpeg) / found
    return row


def round_measures(row: Mapping[str, Any]) -> Measures:
    """Return the measures rounded: milliseconds to 0.1, others to `DIGITS` decimals."""
    return {
        key: value if isinstance(value, int) else round(value, 1 if key == "ms" else DIGITS)
        for key, value in row.items()
    }


def measure_file(scene: Scene, jpeg: bytes) -> Measures:
    """Return the quality measures of a file; those that need a larger photo are left out."""
    decoded = decode(jpeg)
    luma, own = scene.luma, full_reference.to_luma(decoded)
    composite = keep_elsewhere(scene.image, decoded, scene.looked_at)
    fits = {name for name, side in SHORTEST_SIDE_PX.items() if min(luma.shape) >= side}
    row = {
        "psnr": full_reference.psnr(scene.image, decoded),
        "psnr_y": full_reference.psnr(luma, own),
    }
    if scene.region.any():
        row["psnr_s"] = full_reference.psnr(luma[scene.region], own[scene.region])
    if scene.density is not None:
        row["psnr_gaze"] = full_reference.psnr(luma, own, scene.density)
    for name in ("ssim", "ms_ssim", "vifp"):
        if name in fits:
            row[name] = getattr(full_reference, name)(luma, own)
    if "psnr_hvs" in fits:
        row["psnr_hvs"], row["psnr_hvs_m"] = full_reference.psnr_hvs(luma, own)
    if "ssimulacra2" in fits:
        row["ssimulacra2"] = ssimulacra2_fast.score(scene.scales, decoded)
        row["ssimulacra2_gaze"] = ssimulacra2_fast.score(scene.scales, composite)
        if load_library() is not None:
            row["butteraugli"] = butteraugli(scene.image, decoded)
            row["butteraugli_gaze"] = butteraugli(scene.image, composite)
    return row
