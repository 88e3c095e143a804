import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import nn

from model.checkpoint import load_network
from model.config import MSROIConfig
from model.msroi import MSROI
from model.training.run_folder import (
    append_log,
    draw_curves,
    restore_state,
    save_state,
    write_run,
)

SETTINGS = {"steps": 4, "seed": 0}


def test_state_is_restored_as_saved(tmp_path: Path) -> None:
    saved, restored = nn.Linear(2, 3), nn.Linear(2, 3)
    save_state(tmp_path, 7, {"network": saved}, SETTINGS)
    assert restore_state(tmp_path, {"network": restored}, SETTINGS) == 7
    assert torch.equal(restored.weight, saved.weight)
    assert [path.name for path in tmp_path.iterdir()] == ["state.pt"]


def test_an_interrupted_write_leaves_the_previous_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_state(tmp_path, 1, {"network": nn.Linear(2, 3)}, SETTINGS)

    def fail(_: object, path: Path) -> None:
        path.write_bytes(b"half of it")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", fail)
        with pytest.raises(KeyboardInterrupt):
            save_state(tmp_path, 2, {"network": nn.Linear(2, 3)}, SETTINGS)
    assert restore_state(tmp_path, {"network": nn.Linear(2, 3)}, SETTINGS) == 1


def test_a_run_with_other_settings_is_an_error(tmp_path: Path) -> None:
    save_state(tmp_path, 1, {}, SETTINGS)
    with pytest.raises(RuntimeError, match="other settings: use another folder"):
        restore_state(tmp_path, {}, {**SETTINGS, "steps": 5})


def test_a_run_without_state_starts_at_step_0_with_a_new_log(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text("of a run that was never saved\n")
    assert restore_state(tmp_path, {}, SETTINGS) == 0
    append_log(tmp_path, {"step": 0, "gaze": 1.5})
    assert json.loads((tmp_path / "log.jsonl").read_text()) == {"step": 0, "gaze": 1.5}


def test_written_weights_are_loaded_again(tmp_path: Path) -> None:
    network = MSROI(MSROIConfig(("cat", "person", "face"), threshold=0.0))
    checksum = write_run(tmp_path, network, {"photos": 3})
    loaded, found = load_network(tmp_path / "msroi.safetensors")
    record = json.loads((tmp_path / "run.json").read_text())
    assert found == checksum == record["weights"]
    assert record["photos"] == 3
    assert tuple(record["config"]["classes"]) == network.config.classes
    assert loaded.config == network.config
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], tensor, atol=1e-4, rtol=1e-3)


def test_curves_have_a_panel_for_each_loss(tmp_path: Path) -> None:
    heights = []
    for names in (("gaze",), ("gaze", "presence")):
        log = tmp_path / "log.jsonl"
        # Step 1 is logged twice, as by a resumed run.
        rows = [{"step": step, **dict.fromkeys(names, 1.0)} for step in (0, 1, 1, 2)]
        log.write_text("".join(json.dumps(row) + "\n" for row in rows))
        draw_curves(log, tmp_path / "curves.png")
        with Image.open(tmp_path / "curves.png") as curves:
            curves.load()
            assert curves.format == "PNG"
            heights.append(curves.height)
    assert heights[1] == 2 * heights[0]
