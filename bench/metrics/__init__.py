"""Measures of decoded pictures and of saliency maps, and the type of the pictures."""

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]  # (h, w, 3) sRGB
