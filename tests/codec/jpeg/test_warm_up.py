"""The warm-up compiles every kernel and signature that later encodes use."""

import subprocess
import sys
from pathlib import Path

# In a process of its own, since other tests have compiled kernels here.
_SCRIPT = """
import importlib, pkgutil
import numba.core.dispatcher
import codec
from tests.codec.jpegs import pillow_jpeg, shown_pixels
from tests.codec.pictures import scene, spot, text

def count():
    modules = [importlib.import_module(m.name) for m in pkgutil.walk_packages(codec.__path__, "codec.")]
    return {
        f"{module.__name__}.{name}": len(value.signatures)
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, numba.core.dispatcher.Dispatcher)
    }

codec.warm_up()
before = count()
assert len(before) > 40, before
for target in ("size", "quality"):
    for progressive in (False, True):
        settings = codec.EncodeSettings(50, target=target, progressive=progressive)
        for image in (scene(200, 300), scene(64, 48), text(90, 120, (200, 0, 0)), scene(33, 17)[..., 0]):
            codec.encode(image, spot(9, 9), settings)
        for subsampling in ("4:4:4", "4:2:2", "4:2:0"):
            data = pillow_jpeg(scene(100, 120), quality=90, subsampling=subsampling)
            codec.transcode(codec.read_source(data), shown_pixels(data), spot(9, 9), settings)
for subsampling in ("4:4:4", "4:2:2", "4:2:0"):
    source = codec.read_source(pillow_jpeg(scene(500, 700), subsampling=subsampling))
    codec.measure_source_reference(source, 50)
    for width in (100, 430, 700):
        codec.render_preview(source, (width, 9))
late = sorted(name for name, found in count().items() if found != before[name])
assert not late, late
"""


def test_no_kernel_is_compiled_after_the_warm_up() -> None:
    root = Path(__file__).parents[3]
    ran = subprocess.run(
        [sys.executable, "-c", _SCRIPT], cwd=root, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
