import numpy as np

from codec.jpeg.syntax.tables import NATURAL_TO_ZIGZAG
from codec.jpeg.transform.dct import transform
from codec.jpeg.transform.dct_batched import BATCH_BLOCKS, inverse_transform_batch, transform_batch


def test_every_lane_is_the_transform_of_its_block_and_is_inverted() -> None:
    blocks = np.random.default_rng(2).uniform(-180, 180, (BATCH_BLOCKS, 8, 8)).astype(np.float32)
    batch = np.ascontiguousarray(blocks.reshape(BATCH_BLOCKS, 64).T).ravel()
    transform_batch(batch)
    for lane, block in enumerate(blocks):
        expected = transform(block)[0, 0, NATURAL_TO_ZIGZAG]
        assert np.allclose(batch[lane::BATCH_BLOCKS], expected, atol=1e-3)
    inverse_transform_batch(batch)
    assert np.allclose(batch.reshape(64, BATCH_BLOCKS).T.reshape(blocks.shape), blocks, atol=1e-3)
