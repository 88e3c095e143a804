from model.config import MAP_STRIDE, MSROIConfig
from model.input_size import STRIDE, list_input_sizes


def test_every_input_size_has_a_whole_number_of_cells() -> None:
    assert STRIDE % MAP_STRIDE == 0
    assert all(
        side % MAP_STRIDE == 0
        for size in list_input_sizes(MSROIConfig(("a",)).input_area_px)
        for side in size
    )
