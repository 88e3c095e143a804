"""The worker process: takes jobs from RQ's queue, decodes, predicts, encodes and replies."""
