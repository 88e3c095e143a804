"""Figures on the cost of a photo: CPU time and memory of the service and of the encoder."""

from tests.figures.tables import format_row, read_document, read_result


def test_memory_of_the_service() -> None:
    text = read_document("operations.md")
    for moment in ("ready", "after_500_uploads", "after_24_megapixels"):
        peaks = read_result("service.json")["memory"][moment]
        sizes = [f"{peaks[role] / 2**20:.0f} MiB" for role in ("app", "worker")]
        assert format_row(moment.replace("_", " "), *sizes) in text


def test_the_table_of_costs_by_size() -> None:
    text = read_document("operations.md")
    measured = read_result("sizing.json")
    for size in measured["by_size"]:
        spent = size["cpu_ms"]
        megapixels = size["megapixels"]
        cells = [f"{megapixels:.0f}" if megapixels > 10 else f"{megapixels:.1f}"]
        cells.append(f"{size['bytes_in'] / 1e6:.{2 if megapixels < 1 else 1}f}")
        cells.append(f"{spent['app']:.{1 if spent['app'] < 10 else 0}f}")
        cells.append(f"{spent['worker']:.0f}")
        cells.append(f"{spent['redis']:.{1 if spent['redis'] < 10 else 0}f}")
        cells.append(f"{size['peak_rss_bytes']['worker'] / 1e6:.0f}")
        assert format_row(*cells) in text
    summary = measured["summary"]
    fixed_s = summary["fixed_cpu_ms"]["worker"] / 1e3
    per_megapixel_s = summary["cpu_ms_per_megapixel"]["worker"] / 1e3
    assert f"{fixed_s:.2f} s of worker CPU for each photo and {per_megapixel_s:.3f} s" in text
    assert f"{summary['worker_bytes_per_pixel']:.0f} bytes of worker memory for each pixel" in text
    assert f"on top of {measured['ready_peak_rss_bytes']['worker'] / 1e6:.0f} MB" in text


def test_the_table_of_the_encoder_alone() -> None:
    text = read_document("codec.md")
    measured = read_result("encode.json")
    labels = {
        "foveate_size": "`size`",
        "foveate_size_progressive": "`size`, progressive",
        "foveate_quality": "`quality`",
        "foveate_quality_progressive": "`quality`, progressive",
        "mozjpeg": "mozjpeg, baseline",
        "mozjpeg_progressive": "mozjpeg, progressive",
        "pillow": "Pillow",
        "pillow_progressive": "Pillow, progressive",
    }
    for name, label in labels.items():
        pair = [measured["by_quality"][quality][name] for quality in ("75", "50")]
        cells = [" / ".join(f"{own['p50_ms']:.0f}" for own in pair)]
        if name in measured["large"]:
            large = measured["large"][name]
            cells.append(" / ".join(f"{own['mean_passes']:.1f}" for own in pair))
            cells.append(f"{large['ms'] / 1e3:.1f} s")
            cells.append(f"{large['bytes_per_pixel_above_the_image']:.1f}")
        else:
            cells += [""] * 3
        assert format_row(label, *cells) in text
    start = measured["first_start"]
    assert f"compiles the kernels for {start['compile']['cpu_s']:.0f} s" in text
