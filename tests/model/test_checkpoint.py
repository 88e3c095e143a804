import hashlib
import shutil
from pathlib import Path

import pytest
import torch

from model import MSROI, MSROIConfig, Predictor
from model.checkpoint import SHIPPED_WEIGHTS, load_network, read_checkpoint, write_checkpoint


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    for suffix in (".safetensors", ".sha256"):
        shutil.copy(SHIPPED_WEIGHTS.with_suffix(suffix), tmp_path)
    return tmp_path / SHIPPED_WEIGHTS.name


def test_config_and_tensors_come_back_as_written(tmp_path: Path) -> None:
    config = MSROIConfig(num_classes=3, features_per_class=2, threshold=0.25, input_side_px=96)
    state = MSROI(config).half().state_dict()
    path = tmp_path / "new" / "small.safetensors"
    checksum = write_checkpoint(path, config, state)
    found_config, found_state, found_checksum = read_checkpoint(path)
    assert found_config == config
    assert found_checksum == checksum
    assert all(torch.equal(found_state[name], tensor) for name, tensor in state.items())


def test_the_same_weights_are_the_same_bytes(tmp_path: Path) -> None:
    config, state, checksum = read_checkpoint(SHIPPED_WEIGHTS)
    shuffled = dict(reversed(state.items()))
    assert write_checkpoint(tmp_path / "again.safetensors", config, shuffled) == checksum


def test_the_shipped_weights_are_half_precision_and_loaded_as_single() -> None:
    _, state, _ = read_checkpoint(SHIPPED_WEIGHTS)
    assert {tensor.dtype for tensor in state.values()} == {torch.float16}
    assert SHIPPED_WEIGHTS.stat().st_size < 10_000_000
    network, _ = load_network()
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}
    assert not network.training


def test_the_checksum_file_is_what_sha256sum_reads() -> None:
    checksum = hashlib.sha256(SHIPPED_WEIGHTS.read_bytes()).hexdigest()
    expected = f"{checksum}  {SHIPPED_WEIGHTS.name}\n"
    assert SHIPPED_WEIGHTS.with_suffix(".sha256").read_text() == expected


def test_a_flipped_bit_is_an_error_that_says_what_to_do(weights: Path) -> None:
    contents = bytearray(weights.read_bytes())
    contents[-1] ^= 1
    weights.write_bytes(contents)
    with pytest.raises(RuntimeError, match=r"checksum.*restore both"):
        Predictor(device="cpu", weights=weights)


def test_an_empty_checksum_file_is_an_error(weights: Path) -> None:
    weights.with_suffix(".sha256").write_text("")
    with pytest.raises(RuntimeError, match="names none"):
        Predictor(device="cpu", weights=weights)


@pytest.mark.parametrize("suffix", [".safetensors", ".sha256"])
def test_a_missing_file_is_named(weights: Path, suffix: str) -> None:
    weights.with_suffix(suffix).unlink()
    with pytest.raises(RuntimeError, match=rf"msroi\{suffix} is missing"):
        Predictor(device="cpu", weights=weights)


def test_weights_for_another_config_are_an_error(tmp_path: Path) -> None:
    state = MSROI(MSROIConfig(num_classes=3)).half().state_dict()
    path = tmp_path / "odd.safetensors"
    write_checkpoint(path, MSROIConfig(num_classes=4), state)
    with pytest.raises(RuntimeError, match="size mismatch"):
        load_network(path)
