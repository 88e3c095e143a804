import codec
from bench.encode.timing import REST, STAGES, measure_ours, timed_stages
from tests.codec.pictures import scene, spot


def test_timing_the_stages_does_not_change_the_encoder() -> None:
    settings = codec.EncodeSettings(progressive=True, target="quality")
    before = codec.encode(scene(80, 96), spot(9, 9), settings)
    with timed_stages() as spent_s:
        assert codec.encode(scene(80, 96), spot(9, 9), settings) == before
    assert set(spent_s) == set(STAGES)
    assert all(seconds > 0 for seconds in spent_s.values())
    counted = dict(spent_s)
    codec.encode(scene(80, 96), spot(9, 9), settings)
    assert spent_s == counted
    row = measure_ours(scene(80, 96), settings, 3)
    assert set(row["stages_ms"]) == {*STAGES, REST}
