from pathlib import Path

import pytest

from model.weights_file import FOLDER, read_weights, write_weights


def test_contents_are_read_as_written(tmp_path: Path) -> None:
    path = tmp_path / "new" / "some.onnx"
    checksum = write_weights(path, b"abc")
    assert read_weights(path) == (b"abc", checksum)
    assert path.with_suffix(".sha256").read_text() == f"{checksum}  some.onnx\n"


def test_a_file_that_does_not_fit_its_checksum_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "some.onnx"
    write_weights(path, b"abc")
    path.write_bytes(b"abd")
    with pytest.raises(RuntimeError, match=r"restore both from the same release"):
        read_weights(path)
    path.with_suffix(".sha256").write_text("")
    with pytest.raises(RuntimeError, match=r"has none"):
        read_weights(path)
    path.unlink()
    with pytest.raises(RuntimeError, match=r"some.onnx is missing"):
        read_weights(path)


def test_every_shipped_file_fits_its_checksum() -> None:
    shipped = sorted(path for path in FOLDER.iterdir() if path.suffix != ".sha256")
    assert [path.stem for path in shipped] == ["msroi", "msroi_int8", "msroi_weak"]
    for path in shipped:
        read_weights(path)
