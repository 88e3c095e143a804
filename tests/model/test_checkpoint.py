import hashlib
import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save

from model.checkpoint import ADDED_SETTINGS, load_network, read_checkpoint, write_checkpoint
from model.config import MSROIConfig
from model.msroi import MSROI
from model.torch_predictor import TorchPredictor
from model.weights_file import SHIPPED_WEAK_WEIGHTS, SHIPPED_WEIGHTS

SHIPPED = (SHIPPED_WEIGHTS, SHIPPED_WEAK_WEIGHTS)
SMALL = MSROIConfig(("dog", "sea\nshore", "café"), 4, 0.25, 0.7, 96 * 96)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    for suffix in (".safetensors", ".sha256"):
        shutil.copy(SHIPPED_WEIGHTS.with_suffix(suffix), tmp_path)
    return tmp_path / SHIPPED_WEIGHTS.name


def store(path: Path, metadata: dict[str, str] | None) -> Path:
    contents = save(MSROI(SMALL).half().state_dict(), metadata=metadata)
    path.write_bytes(contents)
    path.with_suffix(".sha256").write_text(hashlib.sha256(contents).hexdigest())
    return path


def test_config_and_tensors_are_read_as_written(tmp_path: Path) -> None:
    state = MSROI(SMALL).half().state_dict()
    path = tmp_path / "new" / "small.safetensors"
    checksum = write_checkpoint(path, SMALL, state)
    found_config, found_state, found_checksum = read_checkpoint(path)
    assert found_config == SMALL
    assert hash(found_config) == hash(SMALL)
    assert found_checksum == checksum
    assert found_state.keys() == state.keys()
    assert all(torch.equal(found_state[name], tensor) for name, tensor in state.items())


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_same_weights_give_the_same_bytes(path: Path, tmp_path: Path) -> None:
    config, state, checksum = read_checkpoint(path)
    shuffled = dict(reversed(state.items()))
    assert write_checkpoint(tmp_path / "again.safetensors", config, shuffled) == checksum


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_shipped_weights_are_float16_and_loaded_as_float32(path: Path) -> None:
    _, state, _ = read_checkpoint(path)
    assert {tensor.dtype for tensor in state.values()} == {torch.float16}
    assert all(tensor.isfinite().all() for tensor in state.values())
    network, _ = load_network(path)
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}
    assert not network.training


def test_the_shipped_weights_take_at_most_25_megabytes() -> None:
    assert sum(path.stat().st_size for path in SHIPPED) <= 25_000_000


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_checksum_file_has_the_format_of_sha256sum(path: Path) -> None:
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    assert path.with_suffix(".sha256").read_text() == f"{checksum}  {path.name}\n"


def test_a_flipped_bit_is_an_error_that_says_how_to_fix_it(weights: Path) -> None:
    contents = bytearray(weights.read_bytes())
    contents[-1] ^= 1
    weights.write_bytes(contents)
    with pytest.raises(RuntimeError, match=r"checksum.*restore both"):
        TorchPredictor(device="cpu", weights=weights)


def test_an_empty_checksum_file_is_an_error(weights: Path) -> None:
    weights.with_suffix(".sha256").write_text("")
    with pytest.raises(RuntimeError, match="has none"):
        TorchPredictor(device="cpu", weights=weights)


@pytest.mark.parametrize("suffix", [".safetensors", ".sha256"])
def test_a_missing_file_is_named(weights: Path, suffix: str) -> None:
    weights.with_suffix(suffix).unlink()
    with pytest.raises(RuntimeError, match=rf"msroi\{suffix} is missing"):
        TorchPredictor(device="cpu", weights=weights)


def test_weights_for_another_config_are_an_error(tmp_path: Path) -> None:
    state = MSROI(SMALL).half().state_dict()
    path = tmp_path / "odd.safetensors"
    write_checkpoint(path, MSROIConfig(("dog",)), state)
    with pytest.raises(RuntimeError, match="size mismatch"):
        load_network(path)


def test_a_config_with_another_setting_is_an_error(tmp_path: Path) -> None:
    settings = {**asdict(SMALL), "input_side_px": 384}
    path = store(tmp_path / "newer.safetensors", {"config": json.dumps(settings)})
    with pytest.raises(RuntimeError, match=r"newer\.safetensors.*another version"):
        load_network(path)


def test_weights_of_version_0_1_have_neither_context_nor_calibrated_features(
    tmp_path: Path,
) -> None:
    settings = {name: value for name, value in asdict(SMALL).items() if name not in ADDED_SETTINGS}
    path = store(tmp_path / "old.safetensors", {"config": json.dumps(settings)})
    network, _ = load_network(path)
    assert network.config == SMALL
    assert network.context is None
    assert network.gaze is None


@pytest.mark.parametrize("missing", sorted(asdict(SMALL).keys() - ADDED_SETTINGS.keys()))
def test_a_config_that_lacks_a_setting_is_an_error(tmp_path: Path, missing: str) -> None:
    settings: dict[str, Any] = asdict(SMALL)
    del settings[missing]
    path = store(tmp_path / "older.safetensors", {"config": json.dumps(settings)})
    with pytest.raises(RuntimeError, match="another version"):
        load_network(path)


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}])
def test_weights_without_a_config_are_an_error(
    tmp_path: Path, metadata: dict[str, str] | None
) -> None:
    path = store(tmp_path / "bare.safetensors", metadata)
    with pytest.raises(RuntimeError, match="another version"):
        load_network(path)
