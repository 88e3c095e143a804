"""``python -m bench NAME``: run one benchmark; each writes a JSON file."""

import argparse
import importlib
import sys
from collections.abc import Sequence
from typing import Final, Protocol, cast

# Module and purpose by name.
BENCHMARKS: Final = {
    "service": (
        "bench.service.run",
        "load the service over HTTP: images/s, latency, stages, CPU and memory",
    ),
    "front": (
        "bench.service.front_end",
        "CPU time of HTTP and queue, with a stand-in for the worker that replies at once",
    ),
    "slow-clients": (
        "bench.robustness.slow_clients",
        "throughput while many connections send slowly",
    ),
    "silent-clients": (
        "bench.robustness.silent_clients",
        "throughput and memory while many clients send or read nothing, in each state of a request",
    ),
    "chaos": (
        "bench.robustness.chaos",
        "random kills under load: every request gets a response, Redis keeps nothing",
    ),
    "install": (
        "bench.install",
        "time from an empty folder to the first JPEG, and the size of the installation",
    ),
    "gpu": ("bench.gpu.run", "images/s on a GPU machine, by stage and end to end"),
    "cache": (
        "bench.service.cache",
        "equal uploads: time of a cache hit; how many of a hundred at once are computed",
    ),
    "folder": (
        "bench.robustness.folder",
        "a folder through the command line: its cost, a kill, and the resumed run",
    ),
    "formats": (
        "bench.formats.run",
        "a generated matrix of files of all formats, decoded by ours and by independent decoders",
    ),
    "suites": (
        "bench.formats.suites",
        "test suites of other projects, decoded by ours and by independent decoders",
    ),
    "heic": ("bench.formats.heic", "time of decoding a HEIC of 12 megapixels on one core"),
    "same-bytes": (
        "bench.service.same_bytes",
        "responses of two checkouts to the same uploads: equal bytes or not",
    ),
    "sizing": (
        "bench.service.sizing",
        "cost of a photo by its size: CPU time, memory, bytes",
    ),
    "start": (
        "bench.service.start",
        "time until the service is ready, with and without compiled kernels; CPU time, memory",
    ),
    "scale": (
        "bench.scale.run",
        "throughput over numbers of processes, without the workers' work; waits of up to 200 workers, simulated",
    ),
    "charts": ("bench.charts", "draw the charts of README and docs from the committed results"),
    "avif": (
        "bench.avif.cost",
        "what one AVIF or JP2 costs beside one JPEG: time, memory, libaom's speeds",
    ),
    "targets": (
        "bench.avif.targets",
        "how well AVIFs and JPEGs meet target=size and target=quality",
    ),
    "beside": ("bench.avif.beside", "latency of JPEGs beside a stream of AVIFs or JP2s"),
    "encode": ("bench.encode.run", "speed, passes and memory of the encoder alone"),
    "photos": (
        "bench.rd.through_service",
        "photos sent through the service, compared with the standard JPEG of the same bytes",
    ),
    "fit": ("bench.fit.run", "fit the encoder's constants on photos"),
    "jpeg2000": (
        "bench.jpeg2000.run",
        "JPEG 2000 with and without the map, and OpenJPEG's, at the standard JPEG's bytes",
    ),
    "jpeg2000-fit": (
        "bench.jpeg2000.fit",
        "fit the slope of a JPEG 2000 that is as good as the reference where people look",
    ),
    "rd": ("bench.rd.run", "rate and distortion against other encoders"),
    "paper": (
        "bench.rd.paper",
        "the three tables of the paper: ours, its claims, the control and rivals",
    ),
    "crop-sheet": (
        "bench.rd.crop_sheet",
        "sheets of enlarged crops: ours beside the rivals, at equal bytes",
    ),
    "transcode": (
        "bench.rd.transcode",
        "JPEG in, JPEG out: encoding from coefficients compared with pixels",
    ),
    "saliency": ("bench.saliency.run", "saliency maps against recorded gaze"),
    "presence": (
        "bench.saliency.presence",
        "which classes photos show, on photos kept aside; ours beside the classifier's",
    ),
    "regions": (
        "bench.regions.run",
        "regions against the labelled objects of COCO's photos, beside class activation maps",
    ),
    "crop": (
        "bench.crop",
        "crops by the map and by libvips: recorded gaze inside, faces cut",
    ),
}


class Benchmark(Protocol):
    """The functions of each module in BENCHMARKS."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the benchmark's options."""

    def run(self, args: argparse.Namespace) -> int:
        """Run it; return the exit code."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the chosen benchmark; return the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    commands = parser.add_subparsers(dest="benchmark", required=True)
    for name, (_, summary) in BENCHMARKS.items():
        command = commands.add_parser(name, help=summary, description=summary)
        # Import only the chosen one: the packages of others may be missing or slow to load.
        if arguments[:1] == [name]:
            load(name).add_arguments(command)
    chosen = parser.parse_args(arguments)
    return load(chosen.benchmark).run(chosen)


def load(name: str) -> Benchmark:
    """Return a benchmark's module."""
    return cast("Benchmark", importlib.import_module(BENCHMARKS[name][0]))


if __name__ == "__main__":
    sys.exit(main())
