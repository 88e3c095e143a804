"""Tables and pictures of the report."""

import base64

from bench.rd.report import format_means, format_png, format_rates


def test_means_are_differences_to_the_standard_jpeg() -> None:
    standard = {"bytes_ratio": 1.0, "psnr": 30.0, "ms_per_image": 2.0}
    table = format_means({"standard": standard, "foveate": {**standard, "psnr": 31.5}})
    assert "<th>psnr</th>" in table
    assert "<td>30.000</td>" in table
    assert "<td>+1.500</td>" in table


def test_a_missing_rate_is_a_dash() -> None:
    rates = {
        "a": {"psnr": {"percent": -3.0, "photos": 2}},
        "b": {"ssim": {"percent": 1.0, "photos": 1}},
    }
    table = format_rates(rates)
    assert "<td>-3.00 (2)</td><td>–</td>" in table
    assert "<td>–</td><td>+1.00 (1)</td>" in table


def test_a_picture_contains_its_data_and_its_name_is_escaped() -> None:
    figure = format_png(b"png", "<name>")
    assert base64.b64encode(b"png").decode() in figure
    assert "<name>" not in figure
    assert "&lt;name&gt;" in figure
