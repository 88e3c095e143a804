import os
import signal
from pathlib import Path

import pytest
from PIL import Image

from bench.formats import processes
from bench.formats.decoders import RefusedError
from bench.formats.processes import DecoderProcess


def test_a_process_that_hangs_or_dies_is_started_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture, pipe = tmp_path / "photo.png", tmp_path / "pipe.png"
    Image.new("RGB", (5, 4)).save(picture)
    os.mkfifo(pipe)
    process = DecoderProcess("libvips")
    try:
        assert process.decode(picture).shape == (4, 5, 3)
        monkeypatch.setattr(processes, "TIMEOUT_S", 0.2)
        with pytest.raises(RefusedError, match="hangs"):
            process.decode(pipe)
        monkeypatch.setattr(processes, "TIMEOUT_S", 30)
        assert process.decode(picture).shape == (4, 5, 3)
        assert process.process.pid is not None
        os.kill(process.process.pid, signal.SIGKILL)
        with pytest.raises(RefusedError, match="dies"):
            process.decode(picture)
        with pytest.raises(RefusedError, match=r"No such file|does not exist"):
            process.decode(tmp_path / "missing.png")
    finally:
        process.stop()
