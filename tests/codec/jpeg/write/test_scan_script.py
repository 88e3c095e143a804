import numpy as np
import pytest

from codec.jpeg.components import split_components
from codec.jpeg.quantize.blocks import Blocks
from codec.jpeg.quantize.rdoq import count_ac_symbols, quantize_dc
from codec.jpeg.quantize.tuning import PSNR
from codec.jpeg.rate_control.passes import Point, run_pass
from codec.jpeg.rate_control.trials import make_prior_rates
from codec.jpeg.syntax.component import Component
from codec.jpeg.syntax.huffman import build_table, count_bits
from codec.jpeg.write.band_costs import divide_spectrum, price_bands
from codec.jpeg.write.coded_scan import Scan, code_ac, code_script, estimate_bits
from codec.jpeg.write.nonzeros import Nonzeros, list_nonzeros
from codec.jpeg.write.scan_script import choose_script, code_scans, measure_share, predict_share
from tests.codec.pictures import scene
from tests.codec.qcoefs import QCoefs, make_components


def make_photo_like(
    seed: int, height: int, width: int, scale: float
) -> tuple[list[Component], QCoefs]:
    """Return coefficients that fall with frequency, as those of photos do."""
    components = make_components(height, width, 3, 2)
    rng = np.random.default_rng(seed)
    qcoefs = []
    for i, component in enumerate(components):
        spread = (scale if i == 0 else scale / 4) / (1 + np.arange(64) / 4)
        qcoefs.append(np.rint(rng.laplace(0, 1, component.coefs.shape) * spread).astype(np.int16))
    return components, qcoefs


@pytest.mark.parametrize("scale", [0.5, 3.0, 100.0])
def test_a_script_gives_each_bit_once_and_coarse_before_fine(scale: float) -> None:
    components, qcoefs = make_photo_like(1, 120, 160, scale)
    script = choose_script(components, qcoefs)
    assert len(script) <= 12
    missing: dict[tuple[int, int], int] = {}
    for scan in script:
        for i in scan.components:
            for k in range(scan.band[0], scan.band[1] + 1):
                assert missing.get((i, k), 0) == scan.high_bit
                assert ((i, k) in missing) == (scan.high_bit > 0)
                missing[i, k] = scan.low_bit
    assert len(missing) == 3 * 64
    assert not any(missing.values())


def test_refining_scans_are_chosen_for_dense_coefficients_only() -> None:
    components = split_components(scene(120, 160), None, subsample=True, tuning=PSNR.default)
    for step, is_refined in ((3.0, True), (24.0, False)):
        blocks = Blocks(components)
        run_pass(blocks, PSNR.default, Point(step, step), [make_prior_rates()] * 2)
        script = choose_script(components, blocks.read())
        assert any(scan.high_bit for scan in script) == is_refined


def sum_bits(nonzeros: Nonzeros, refinements: int) -> float:
    """Return the bits of a component's AC scans, of which so many are refining."""
    first, _ = divide_spectrum(price_bands(nonzeros, refinements, 1.0), 4)
    refining = [Scan((0,), (1, 63), bit + 1, bit) for bit in range(refinements)]
    return first + estimate_bits([code_ac(scan, nonzeros) for scan in refining])


@pytest.mark.parametrize(("step", "refinements"), [(0.8, 0), (3.0, 2), (6.0, 1)])
def test_bits_are_left_to_refining_scans_as_long_as_that_saves_bits(
    step: float, refinements: int
) -> None:
    components = split_components(scene(120, 160), None, subsample=True, tuning=PSNR.default)
    blocks = Blocks(components)
    run_pass(blocks, PSNR.default, Point(step, step), [make_prior_rates()] * 2)
    nonzeros = list_nonzeros(components[0], blocks.read()[0])
    bits = [sum_bits(nonzeros, count) for count in range(3)]
    assert refinements == int(bits[1] < bits[0]) + int(bits[2] < bits[1] < bits[0])
    script = choose_script(components, blocks.read())
    assert sum(scan.high_bit > 0 for scan in script if scan.components == (0,)) == refinements


def test_the_share_is_that_of_the_baseline_scan() -> None:
    components, qcoefs = make_photo_like(3, 64, 80, 4.0)
    script = choose_script(components, qcoefs)
    share = measure_share(script, components, qcoefs)
    bits = estimate_bits(code_script(script, components, qcoefs))
    dc, ac = np.zeros((2, 256), np.int64), np.zeros((2, 256), np.int64)
    for component, plane in zip(components, qcoefs, strict=True):
        sampling = (component.vertical, component.horizontal)
        real = np.ascontiguousarray(plane[: component.real_rows, : component.real_columns])
        coefs = plane[..., :1].astype(np.float32)
        quantize_dc(
            np.ascontiguousarray(coefs[..., 0]),
            1.0,
            *plane.shape[:2],
            *sampling,
            plane.copy(),
            dc[component.kind],
        )
        count_ac_symbols(real, 1, 1, ac[component.kind])
    tables = [(counts, build_table(counts)) for counts in (*dc, *ac)]
    baseline = sum(
        count_bits(counts, table.lengths) + 8 * (17 + table.symbols.size)
        for counts, table in tables
    )
    baseline += 8 * (4 + 8 + 2 * 3)
    assert share == pytest.approx(bits / baseline, rel=3e-3)


def test_scripts_of_large_images_are_chosen_on_some_rows() -> None:
    components, qcoefs = make_photo_like(4, 640, 800, 4.0)
    script = choose_script(components, qcoefs)
    share = measure_share(script, components, qcoefs)
    changed = [plane.copy() for plane in qcoefs]
    changed[0][2:4] = 0  # the second row of MCUs is not among them
    assert choose_script(components, changed) == script
    assert measure_share(script, components, changed) == share
    scans = code_scans(components, qcoefs)
    assert [coded.scan for coded in scans] == script


def test_progressive_scans_save_a_share_and_have_more_headers() -> None:
    assert predict_share(1e3) > 1.1
    assert predict_share(1e6) == pytest.approx(0.971, abs=1e-3)
