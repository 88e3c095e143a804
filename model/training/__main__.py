"""`python -m model.training {weak,gaze,quantize}`: trains the weights in two steps, quantizes them."""

import argparse
from collections.abc import Sequence

from model.training import gaze_step, weak_step
from model.training.int8 import quantize


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one step."""
    parser = argparse.ArgumentParser(prog="python -m model.training", description=__doc__)
    steps = parser.add_subparsers(dest="step", required=True)
    weak_step.add_arguments(steps.add_parser("weak", help=weak_step.__doc__))
    gaze_step.add_arguments(steps.add_parser("gaze", help=gaze_step.__doc__))
    quantize.add_arguments(steps.add_parser("quantize", help=quantize.__doc__))
    args = parser.parse_args(arguments)
    {"weak": weak_step.run, "gaze": gaze_step.run, "quantize": quantize.run}[args.step](args)


if __name__ == "__main__":
    main()
