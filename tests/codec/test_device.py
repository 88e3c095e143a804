"""The CUDA kernels: in numba's simulator, as PTX, and on a device where there is one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from numba import cuda

from codec import HOST, EncodeSettings, encode
from codec.agreement import find_difference
from codec.device import CudaQuantizer
from codec.settings import Target
from tests.codec.pictures import photo, spot

ROOT = Path(__file__).parents[2]

COMPARE = """
import io
from PIL import Image
from codec import HOST, EncodeSettings, encode, read_source, transcode
from codec.agreement import SMALL, find_difference
from codec.device import CudaQuantizer
from tests.codec.pictures import photo, spot

quantizer = CudaQuantizer()
assert find_difference(quantizer, SMALL[:2]) is None, "the kernels decide otherwise"
colour, grey = photo(17, 25), photo(9, 23)[..., 0]
for image, target, progressive in ((colour, "size", False), (grey, "quality", True)):
    settings = EncodeSettings(quality=70, target=target, progressive=progressive)
    own = encode(image, spot(7, 7), settings, quantizer=quantizer)
    assert own == encode(image, spot(7, 7), settings, quantizer=HOST), (target, progressive)
for subsampling in ("4:2:0", "4:4:4"):
    file = io.BytesIO()
    Image.fromarray(colour).save(file, "JPEG", quality=95, subsampling=subsampling)
    source = read_source(file.getvalue())
    settings = EncodeSettings(quality=40, target="quality")
    own = transcode(source, colour, spot(7, 7), settings, quantizer=quantizer)
    assert own == transcode(source, colour, spot(7, 7), settings, quantizer=HOST), subsampling
print("same")
"""

# A machine without a device tells no compute capability, which kernels are compiled for.
COMPILE = """
import json
from types import SimpleNamespace
import numba.cuda.dispatcher
numba.cuda.dispatcher.get_current_device = lambda: SimpleNamespace(compute_capability=(9, 0))
from numba import boolean, cuda, float32, int16, int32, int64
from codec.device import kernels

line, plane, pairs = float32[::1], float32[:, ::1], int32[:, ::1]
photo = (plane, line, line, pairs, plane)
found = {}
for kernel, types in (
    (kernels.quantize_blocks, (*photo, int16[:, ::1], pairs, line, *[int64] * 5, boolean)),
    (kernels.sketch_blocks, (*photo, pairs, line, int64, int64, boolean)),
    (kernels.round_blocks, (plane, line, plane, line, int64, int64)),
    (kernels.find_activities, (plane, int64[::1], line, line)),
):
    ptx, _ = cuda.compile_ptx(kernel.py_func, types, cc=(9, 0))
    found[kernel.py_func.__name__] = ptx
print(json.dumps(found))
"""


def run(script: str, **environment: str) -> str:
    """Return what a script prints in a process of its own, where numba starts with `environment`."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def has_compiler() -> bool:
    """Return whether numba finds NVVM."""
    script = "from numba import cuda; cuda.compile_ptx(lambda: None, (), cc=(9, 0))"
    command = [sys.executable, "-c", script]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.timeout(600)  # Python in place of a device, beside whatever else runs here
def test_in_the_simulator_every_bit_is_the_processors() -> None:
    assert run(COMPARE, NUMBA_ENABLE_CUDASIM="1") == "same\n"


@pytest.mark.skipif(not has_compiler(), reason="no NVVM here")
def test_no_product_is_fused_with_a_sum() -> None:
    for name, ptx in json.loads(run(COMPILE)).items():
        assert f".entry {name}" in ptx or name in ptx
        assert "mul.rn.f32" in ptx
        # ptxas may fuse a product without a rounding of its own.
        for fused in ("fma.rn.f32", "mad.f32", "mul.f32", "mul.ftz"):
            assert fused not in ptx, (name, fused)
        assert "call" not in ptx, "what isn't inlined passes a hundred arguments"


@pytest.mark.skipif(not cuda.is_available(), reason="no CUDA device")
def test_on_a_device_every_bit_is_the_processors() -> None:
    assert find_difference(CudaQuantizer()) is None


@pytest.mark.skipif(not cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("target", ["size", "quality"])
@pytest.mark.parametrize("progressive", [False, True])
def test_files_from_a_device_are_the_processors(target: Target, progressive: bool) -> None:
    quantizer = CudaQuantizer()
    for size in ((512, 768), (257, 97), (8, 8)):
        settings = EncodeSettings(quality=60, target=target, progressive=progressive)
        own = encode(photo(*size), spot(20, 20), settings, quantizer=quantizer)
        assert own == encode(photo(*size), spot(20, 20), settings, quantizer=HOST)
