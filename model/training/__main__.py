"""`python -m model.training {weak,gaze,classes,quantize}`: trains in three steps, quantizes."""

import argparse
from collections.abc import Sequence

from model.training import classes_step, gaze_step, weak_step
from model.training.int8 import quantize


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one step."""
    parser = argparse.ArgumentParser(prog="python -m model.training", description=__doc__)
    steps = parser.add_subparsers(dest="step", required=True)
    weak_step.add_arguments(steps.add_parser("weak", help=weak_step.__doc__))
    gaze_step.add_arguments(steps.add_parser("gaze", help=gaze_step.__doc__))
    classes_step.add_arguments(steps.add_parser("classes", help=classes_step.__doc__))
    quantize.add_arguments(steps.add_parser("quantize", help=quantize.__doc__))
    args = parser.parse_args(arguments)
    run = {
        "weak": weak_step.run,
        "gaze": gaze_step.run,
        "classes": classes_step.run,
        "quantize": quantize.run,
    }
    run[args.step](args)


if __name__ == "__main__":
    main()
