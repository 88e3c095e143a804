"""Builds a job's result from photo and maps: the file, the heatmap, their description, what was found."""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

import numpy as np

from contract.keys import heatmap_key, image_key
from contract.messages import Box, Result, Thumbhash
from contract.messages import Region as RegionMessage
from worker.image.crop import crop_map, crop_photo
from worker.image.encode import encode, prepare_inputs
from worker.image.gain_map.write import cut_gain_map
from worker.image.heatmap import render_classes, render_map, render_overlay, render_photo
from worker.image.regions import Region, find_regions
from worker.image.thumbnail import hash_thumbnail
from worker.image.window import find_focus
from worker.item import Item


class WithdrawnError(Exception):
    """Nobody waits for the item any more."""


def check_open(item: Item) -> None:
    """Raise WithdrawnError if nobody waits for the item any more."""
    if item.withdrawn or item.time_left_s < 0:
        raise WithdrawnError


def build_result(item: Item, model_version: str) -> None:
    """Encode an item's photo; set its ``result`` and ``blobs``, and free its other data.

    Raises:
        MaxBytesError: when no file of this photo has ``max_bytes`` or less.
        InvalidOptionError: when a side is too long for the format.
        WithdrawnError: when nobody waits for it any more.
    """
    options = item.request.options
    crop = crop_item(item) if options.fit == "cover" else None
    assert item.saliency is not None
    assert item.classes is not None
    inputs = (
        item.encode_inputs.result()
        if item.encode_inputs
        else prepare_inputs(item.pixels, options, item.source)
    )
    encoded = encode(
        item.pixels,
        item.saliency,
        options,
        inputs,
        segments=item.segments,
        gain_map=item.gain_map,
        upload=item.data,
        check=partial(check_open, item),
    )
    regions = find_regions(item.classes, item.saliency)
    heatmap: tuple[bytes, str] | None = None
    if options.heatmap == "map":
        heatmap = render_map(item.saliency, item.size_px)
    elif options.heatmap != "none":
        pixels = item.pixels if item.source is None else render_photo(item.source)
        assert pixels is not None
        if options.heatmap == "overlay":
            heatmap = render_overlay(item.saliency, pixels)
        else:
            heatmap = render_classes(item.classes, list_names(regions), pixels)
    passthrough = encoded.data == item.data
    width_px, height_px = item.size_px
    focus_x, focus_y = find_focus(item.saliency)
    assert item.network_input is not None
    thumbhash = hash_thumbnail(item.network_input, item.size_px, crop)
    item.release()
    item.result = Result(
        job_id=item.job_id,
        width_px=width_px,
        height_px=height_px,
        original_bytes=item.request.original_bytes,
        compressed_bytes=len(encoded.data),
        reference_bytes=encoded.reference_bytes,
        model_version=model_version,
        heatmap_type=heatmap[1] if heatmap else None,
        stage_ms=item.stage_ms,
        batch_size=item.batch_size,
        passthrough=passthrough,
        submitted_unix_s=item.request.submitted_unix_s,
        started_unix_s=item.started_unix_s,
        crop=crop,
        format=options.format,
        focus={"x": round(focus_x, 4), "y": round(focus_y, 4)},
        regions=[*map(describe_region, regions)],
        thumbhash=Thumbhash(thumbhash),
    )
    item.blobs = {image_key(item.job_id): encoded.data}
    if heatmap:
        item.blobs[heatmap_key(item.job_id)] = heatmap[0]


def list_names(regions: Iterable[Region]) -> list[str]:
    """Return the classes of regions, each once, in their order."""
    return list(dict.fromkeys(region.name for region in regions))


def describe_region(region: Region) -> RegionMessage:
    """Return a region as the message has it; its box is not beyond the photo by rounding."""
    left, top, right, bottom = (round(share, 4) for share in region.box)
    box = Box(x=left, y=top, width=round(right - left, 4), height=round(bottom - top, 4))
    return {"class": region.name, "score": round(region.score, 4), "box": box}


def crop_item(item: Item) -> Box:
    """Cut an item's photo, maps and gain map; return which part of the photo is left."""
    if item.crop_px is None:
        return Box(x=0.0, y=0.0, width=1.0, height=1.0)
    assert item.saliency is not None
    assert item.classes is not None
    options, (width_px, height_px) = item.request.options, item.size_px
    found = crop_photo(
        item.pixels,
        item.source,
        item.saliency,
        item.classes,
        item.crop_px,
        gravity=options.gravity,
    )
    if item.classes.names:
        maps = [crop_map(each, (width_px, height_px), found.window) for each in item.classes.maps]
        item.classes = replace(item.classes, maps=np.stack(maps))
    item.pixels, item.source, item.saliency = found.pixels, found.source, found.saliency
    item.size_px = item.crop_px
    # The upload does not have the pixels that are left.
    item.data = None
    left, top = found.window.left / width_px, found.window.top / height_px
    across, down = found.window.width / width_px, found.window.height / height_px
    if item.uncut_gain_map is not None:
        edges = (left, top, left + across, top + down)
        item.segments, item.gain_map = cut_gain_map(
            item.uncut_gain_map, item.segments, options, edges
        )
    return Box(x=round(left, 6), y=round(top, 6), width=round(across, 6), height=round(down, 6))
