"""How well a network's maps tell where people looked, during training; `bench` measures it fully."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from model.input_size import choose_input_size, scale_photo
from model.maps import smoothing_matrix
from model.msroi import MSROI, MSROIConfig, normalise_pixels
from model.training.gaze import Record

HOTTEST: Final = 0.25
THRESHOLDS: Final = (0.0, 0.002, 0.005, 0.01, 0.02, 0.05)
SMOOTHINGS: Final = (0.0, 0.35, 0.5, 0.7, 1.0, 1.4)


def class_maps_of(network: MSROI, records: Iterable[Record]) -> Iterator[tuple[Record, Tensor]]:
    """Yield each photo's class maps, (1, C, D, h, w)."""
    device = network.log_prior_x.device
    for record in tqdm(list(records), "measuring", unit="photo"):
        width_px, height_px = record.size
        size = choose_input_size(width_px, height_px, network.config.input_area_px)
        with Image.open(record.path) as opened:
            scaled = scale_photo(opened, size)
        pixels = torch.from_numpy(np.array(scaled))[None].to(device)
        with torch.inference_mode():
            yield record, network.class_maps(normalise_pixels(pixels))


def draw(network: MSROI, class_maps: Tensor, smoothing_cells: float) -> NDArray[np.float32]:
    """Return the map that the predictor draws, not yet scaled to 1: (h, w)."""
    with torch.inference_mode():
        saliency = network.saliency(class_maps)[0].cpu()
        rows, columns = (smoothing_matrix(size, smoothing_cells) for size in saliency.shape)
        smooth: NDArray[np.float32] = (rows @ saliency @ columns.T).numpy()
    return smooth


def nss(saliency: NDArray[np.float32], record: Record) -> float:
    """Return the map's mean at the fixations, in its own deviations; 0 for an even map."""
    spread = float(saliency.std(dtype=np.float64))
    if spread == 0:
        return 0.0
    looked_at = float(at_fixations(saliency, record).mean(dtype=np.float64))
    return (looked_at - float(saliency.mean(dtype=np.float64))) / spread


def captured(saliency: NDArray[np.float32], record: Record) -> float:
    """Return the share of the fixations inside the hottest quarter of the area."""
    return float((at_fixations(saliency, record) > np.quantile(saliency, 1 - HOTTEST)).mean())


def at_fixations(saliency: NDArray[np.float32], record: Record) -> NDArray[np.float32]:
    """Return the map where people looked: (h, w) -> (n,)."""
    columns, rows = (record.fixations * saliency.shape[::-1]).astype(int).T
    sampled: NDArray[np.float32] = saliency[rows, columns]
    return sampled


def fit_constants(network: MSROI, records: list[Record]) -> MSROIConfig:
    """Return the config with the threshold and smoothing of the best mean NSS over the sets."""
    found: dict[tuple[float, float], dict[str, list[float]]] = {
        (threshold, smoothing): defaultdict(list)
        for threshold in THRESHOLDS
        for smoothing in SMOOTHINGS
    }
    asked = network.config
    for record, maps in class_maps_of(network, records):
        for threshold in THRESHOLDS:
            network.config = replace(asked, threshold=threshold)
            for smoothing in SMOOTHINGS:
                drawn = draw(network, maps, smoothing)
                found[threshold, smoothing][record.set].append(nss(drawn, record))
    network.config = asked
    means = {
        key: float(np.mean([np.mean(values) for values in sets.values()]))
        for key, sets in found.items()
    }
    threshold, smoothing = max(means, key=means.__getitem__)
    return replace(asked, threshold=threshold, smoothing_cells=smoothing)


def score(network: MSROI, records: list[Record]) -> dict[str, dict[str, float]]:
    """Return by set the mean NSS and the share of gaze that the hottest quarter captures."""
    rows: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for record, maps in class_maps_of(network, records):
        drawn = draw(network, maps, network.config.smoothing_cells)
        rows[record.set].append((nss(drawn, record), captured(drawn, record)))
    return {
        name: {
            "nss": round(float(np.mean([row[0] for row in found])), 4),
            "captured_25": round(float(np.mean([row[1] for row in found])), 4),
            "photos": len(found),
        }
        for name, found in rows.items()
    }
