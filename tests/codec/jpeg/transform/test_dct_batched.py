import numpy as np

from codec.jpeg.syntax.tables import NATURAL_TO_ZIGZAG
from codec.jpeg.transform.dct import transform
from codec.jpeg.transform.dct_batched import LANES, inverse_transform_lanes, transform_lanes


def test_every_lane_is_the_transform_of_its_block_and_is_inverted() -> None:
    blocks = np.random.default_rng(2).uniform(-180, 180, (LANES, 8, 8)).astype(np.float32)
    batch = np.ascontiguousarray(blocks.reshape(LANES, 64).T).ravel()
    transform_lanes(batch)
    for lane, block in enumerate(blocks):
        expected = transform(block)[0, 0, NATURAL_TO_ZIGZAG]
        assert np.allclose(batch[lane::LANES], expected, atol=1e-3)
    inverse_transform_lanes(batch)
    assert np.allclose(batch.reshape(64, LANES).T.reshape(blocks.shape), blocks, atol=1e-3)
