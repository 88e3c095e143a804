"""Builds a job's result from photo and saliency map: the JPEG, the heatmap and their description."""

from contract.keys import heatmap_key, image_key
from contract.messages import Result
from worker.image.encode import encode, prepare_inputs
from worker.image.heatmap import render_map, render_overlay, render_photo
from worker.item import Item


def build_result(item: Item, model_version: str) -> None:
    """Encode an item's photo; set its ``result`` and ``blobs``, and free its other data.

    Raises:
        MaxBytesError: when no JPEG of this photo has ``max_bytes`` or less.
    """
    assert item.saliency is not None
    options = item.request.options
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
    )
    heatmap: tuple[bytes, str] | None = None
    if options.heatmap == "map":
        heatmap = render_map(item.saliency, item.size_px)
    elif options.heatmap == "overlay":
        pixels = item.pixels if item.source is None else render_photo(item.source)
        assert pixels is not None
        heatmap = render_overlay(item.saliency, pixels)
    passthrough = encoded.jpeg == item.data
    width_px, height_px = item.size_px
    item.release()
    item.result = Result(
        job_id=item.job_id,
        width_px=width_px,
        height_px=height_px,
        original_bytes=item.request.original_bytes,
        compressed_bytes=len(encoded.jpeg),
        reference_bytes=encoded.reference_bytes,
        model_version=model_version,
        heatmap_type=heatmap[1] if heatmap else None,
        stage_ms=item.stage_ms,
        batch_size=item.batch_size,
        passthrough=passthrough,
        submitted_unix_s=item.request.submitted_unix_s,
        started_unix_s=item.started_unix_s,
    )
    item.blobs = {image_key(item.job_id): encoded.jpeg}
    if heatmap:
        item.blobs[heatmap_key(item.job_id)] = heatmap[0]
