import numpy as np

from codec.jpeg.write.coded_scan import Scan, code_ac, code_dc, code_script, estimate_bits
from codec.jpeg.write.nonzeros import list_nonzeros
from codec.jpeg.write.tokens import write_tokens
from tests.codec.qcoefs import make_components, make_qcoefs

COMPONENTS = make_components(64, 80, 3, 2)
QCOEFS = make_qcoefs(COMPONENTS, 7, 60, 0.3)
DC = Scan((0, 1, 2), (0, 0), 0, 0)
LUMA_AC, CB_AC, CR_AC = (Scan((i,), (1, 63), 0, 0) for i in range(3))


def test_bits_are_those_of_the_segment() -> None:
    luma = list_nonzeros(COMPONENTS[0], QCOEFS[0])
    for scan in (LUMA_AC, Scan((0,), (1, 63), 0, 1), Scan((0,), (1, 63), 1, 0)):
        coded = code_ac(scan, luma)
        written = write_tokens(coded.tokens, coded.tables, coded.bits)
        assert len(written.replace(b"\xff\x00", b"\xff")) == -(-coded.bits // 8)


def test_a_dc_scan_has_a_table_for_each_kind() -> None:
    assert len(code_dc(DC, COMPONENTS, QCOEFS).tables) == 2
    assert len(code_dc(Scan((0,), (0, 0), 0, 0), COMPONENTS, QCOEFS).tables) == 1
    assert len(code_dc(Scan((1, 2), (0, 0), 0, 0), COMPONENTS, QCOEFS).tables) == 1


def test_similar_scans_share_a_table_and_others_do_not() -> None:
    alike = [QCOEFS[0], QCOEFS[1], QCOEFS[1]]
    _, cb, cr = code_script([DC, CB_AC, CR_AC], COMPONENTS, alike)
    assert not cb.is_table_inherited
    assert cr.is_table_inherited
    assert np.array_equal(cb.tables[0].codes, cr.tables[0].codes)
    assert cr.header_bytes == 8 + 2
    large = make_components(320, 400, 3, 2)
    different = [*make_qcoefs(large, 8, 1, 0.1)[:2], make_qcoefs(large, 8, 1023, 1.0)[2]]
    assert not code_script([DC, CB_AC, CR_AC], large, different)[2].is_table_inherited


def test_sharing_saves_bits_and_a_table_is_shared_once() -> None:
    alike = [QCOEFS[0], QCOEFS[1], QCOEFS[1]]
    separate = [code_ac(CB_AC, list_nonzeros(COMPONENTS[1], QCOEFS[1]))] * 3
    scans = code_script([CB_AC, CR_AC, CB_AC], COMPONENTS, alike)
    assert estimate_bits(scans) < estimate_bits(separate)
    assert [scan.is_table_inherited for scan in scans] == [False, True, False]


def test_the_factor_multiplies_segments_and_not_headers() -> None:
    scans = code_script([DC, LUMA_AC], COMPONENTS, QCOEFS)
    bits = sum(coded.bits for coded in scans)
    headers = 8 * sum(coded.header_bytes for coded in scans)
    assert estimate_bits(scans) == bits + headers
    assert estimate_bits(scans, 2.5) == 2.5 * bits + headers
