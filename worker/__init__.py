"""RQ batch worker: decode, predict, encode."""

import os

# Before torch loads libgomp: its idle threads spin by default, which on a machine that also
# decodes and encodes makes a pass many times slower than letting them sleep (docs/architecture.md).
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
