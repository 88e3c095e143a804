"""`python -m model.training {weak,gaze}`: the two steps that make the weights."""

import argparse
from collections.abc import Sequence

from model.training import gaze_step, weak


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one step."""
    parser = argparse.ArgumentParser(prog="python -m model.training", description=__doc__)
    steps = parser.add_subparsers(dest="step", required=True)
    weak.add_arguments(steps.add_parser("weak", help=weak.__doc__))
    gaze_step.add_arguments(steps.add_parser("gaze", help=gaze_step.__doc__))
    args = parser.parse_args(arguments)
    {"weak": weak.run, "gaze": gaze_step.run}[args.step](args)


if __name__ == "__main__":
    main()
