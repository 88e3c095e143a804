"""Runs ``foveate compress``, from its arguments to its exit code."""

import argparse
import json
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final, NoReturn

from app.client.arguments import DONE, INTERRUPTED, NO_SERVICE, SOME_FAILED, USAGE
from app.client.compressor import NOT_WRITTEN, Compressor, Outcome, compress_stream, to_absolute
from app.client.ledger import BusyFolderError, Ledger
from app.client.local_service import local_service
from app.client.parallel import compress_in_threads
from app.client.report import Report
from app.client.result_files import (
    NotWrittenError,
    find_format,
    heatmap_path,
    remove_partial_files,
    result_path,
)
from app.client.sender import RefusedError, Sender, StoppedError, UnusableServiceError
from app.client.sources import NoSuchPhotoError, Source, escape_path, find_photos
from app.options import describe_options, parse_options
from contract.errors import InvalidOptionError
from contract.images import Format

# As a file name: standard input or output.
STDIO: Final = "-"
MAX_STDIN_BYTES: Final = 2**30
CONTINUE: Final = "run the same command again to continue"


class UsageError(Exception):
    """The arguments contradict each other, or name a folder that can't be written."""


def run(arguments: argparse.Namespace) -> int:
    """Compress the photos that the command names; return the exit code."""
    options = {
        name: str(value).lower() if isinstance(value, bool) else value
        for name in describe_options()
        if (value := getattr(arguments, f"option_{name}")) is not None
    }
    # As Ctrl-C: results stay whole, and a service of this run is stopped.
    signal.signal(signal.SIGTERM, raise_interrupt)
    try:
        if "format" not in options and (
            found := find_result_format(arguments.output, arguments.photos)
        ):
            options["format"] = found
        chosen = parse_options(list(options.items()))
        canonical = json.dumps(asdict(chosen), sort_keys=True)
        if STDIO in arguments.photos:
            return run_stream(arguments, options)
        return run_files(arguments, options, canonical, chosen.format)
    except (InvalidOptionError, NoSuchPhotoError, BusyFolderError, UsageError) as error:
        text = f"no such photo: {error}" if isinstance(error, NoSuchPhotoError) else str(error)
        return fail(text, USAGE)
    except UnusableServiceError as error:
        return fail(str(error), NO_SERVICE)
    except NotWrittenError as error:
        return fail(f"{error}; {CONTINUE}", SOME_FAILED)
    except (KeyboardInterrupt, StoppedError):
        return fail(f"interrupted; {CONTINUE}", INTERRUPTED)


def fail(text: str, exit_code: int) -> int:
    """Print an error; return the exit code."""
    print(f"foveate: {text}", file=sys.stderr)
    return exit_code


def raise_interrupt(*_: object) -> NoReturn:
    """Raise KeyboardInterrupt, as a handler of signals."""
    raise KeyboardInterrupt


def run_files(  # noqa: C901 -- the cases of a command
    arguments: argparse.Namespace,
    options: Mapping[str, str],
    canonical: str,
    output_format: Format,
) -> int:
    """Compress files and folders; return the exit code."""
    if arguments.output == STDIO:
        raise UsageError("standard output takes one photo, from standard input: '- -o -'")
    if arguments.output is None and not arguments.in_place:
        raise UsageError("say where results go: -o PATH or --in-place")
    folder = None if arguments.in_place else Path(arguments.output)
    named_format = find_result_format(arguments.output, arguments.photos)
    to_file = folder is not None and named_format is not None
    if named_format not in {None, output_format}:
        raise UsageError(
            f"{arguments.output} is not the name of a file of the format {output_format}"
        )
    if folder is not None and to_file:
        [source] = find_photos(arguments.photos)
        sources = [replace(source, relative_path=Path(folder.name))]
        folder = folder.parent
    else:
        sources = find_photos(arguments.photos, exclude=folder)
    roots = {source.root for source in sources} if folder is None else {folder}
    with ExitStack() as stack:
        try:
            ledgers = {root: stack.enter_context(Ledger(root)) for root in sorted(roots)}
        except OSError as error:
            raise UsageError(f"the folder of the results can't be written: {error}") from error
        if not to_file:
            sources = leave_out_results(sources, ledgers, folder)
        lines = sys.stdout if arguments.json else None
        report = stack.enter_context(
            closing(Report(len(sources), lines=lines, quiet=arguments.quiet))
        )
        with_heatmaps = options.get("heatmap", "none") != "none"
        sources, conflicts = split_conflicts(
            sources, folder, output_format, with_heatmaps=with_heatmaps
        )
        for outcome in conflicts:
            report.add(outcome)
        remove_partial_files(
            {find_target(source, folder, output_format).parent for source in sources}
        )
        if sources:
            sender = stack.enter_context(open_sender(arguments))
            originals = frozenset(to_absolute(source.path) for source in sources)
            compressor = Compressor(
                sender,
                options,
                canonical,
                ledgers,
                folder,
                originals,
                arguments.overwrite,
                output_format,
            )
            for outcome in compress_in_threads(
                compressor.compress, sources, arguments.jobs, stop=sender.stop
            ):
                report.add(outcome)
    if not (arguments.quiet or arguments.json):
        print(report.format_summary())
    return SOME_FAILED if report.states["failed"] else DONE


def leave_out_results(
    sources: Sequence[Source], ledgers: Mapping[Path, Ledger], folder: Path | None
) -> list[Source]:
    """Return the photos that are not results of earlier runs of the same command.

    Raises:
        UsageError: when all of them are.
    """
    photos = [
        source
        for source in sources
        if not ledgers[folder or source.root].has_made(source.path, heatmaps_only=folder is None)
    ]
    if sources and not photos:
        raise UsageError("all photos that the command names are results of earlier runs")
    return photos


def find_result_format(output: str | None, photos: Sequence[str]) -> Format | None:
    """Return the format of the file that ``-o`` names; None if it names a folder or is missing."""
    if output is None or len(photos) != 1 or not Path(photos[0]).is_file():
        return None
    is_folder = output.endswith(os.sep) or Path(output).is_dir()
    return None if is_folder else find_format(Path(output))


def run_stream(arguments: argparse.Namespace, options: Mapping[str, str]) -> int:
    """Compress standard input to standard output; return the exit code."""
    if arguments.photos != [STDIO] or arguments.output not in {None, STDIO}:
        raise UsageError("standard input takes one photo and goes to standard output: '- -o -'")
    if options.get("heatmap", "none") != "none" or arguments.in_place:
        raise UsageError("standard output takes the photo only: no --heatmap, no --in-place")
    if sys.stdout.isatty():
        raise UsageError("standard output is a terminal; redirect it to a file")
    with open_sender(arguments) as sender:
        try:
            result = compress_stream(sender, options, sys.stdin.buffer, MAX_STDIN_BYTES)
            sys.stdout.buffer.write(result.image)
            sys.stdout.buffer.flush()
        except (RefusedError, OSError) as error:
            return fail(str(error), SOME_FAILED)
    return DONE


@contextmanager
def open_sender(arguments: argparse.Namespace) -> Iterator[Sender]:
    """Yield a client of the service that the arguments name, or of one started for this run."""
    with ExitStack() as stack:
        url = arguments.url
        if url is None:
            if not arguments.quiet:
                print("foveate: starting a service for this run", file=sys.stderr)
            url = stack.enter_context(local_service(arguments.workers))
        sender = Sender(
            url,
            key=os.environ.get("FOVEATE_API_KEY"),
            connections=arguments.jobs,
            by_proxy=arguments.url is not None,
        )
        stack.callback(sender.stop)
        sender.check()
        yield sender


def split_conflicts(
    sources: Sequence[Source],
    folder: Path | None,
    output_format: Format,
    *,
    with_heatmaps: bool,
) -> tuple[list[Source], list[Outcome]]:
    """Return the photos whose results have different paths, and a failure for each other photo."""
    owners: dict[Path, Source] = {}
    accepted: list[Source] = []
    conflicts: list[Outcome] = []
    for source in sources:
        target = find_target(source, folder, output_format)
        paths = [target]
        if with_heatmaps:
            paths += [heatmap_path(target, kind) for kind in ("image/png", "image/jpeg")]
        owner = next((owners[path] for path in paths if path in owners), None)
        if owner is None:
            accepted.append(source)
            owners.update(dict.fromkeys(paths, source))
        else:
            detail = f"its result would replace that of {escape_path(owner.path)}"
            conflicts.append(Outcome(source.path, "failed", code=NOT_WRITTEN, detail=detail))
    return accepted, conflicts


def find_target(source: Source, folder: Path | None, output_format: Format) -> Path:
    """Return where a photo's result is written: in ``folder``, or with None at the photo's path."""
    return source.path.resolve() if folder is None else result_path(source, folder, output_format)
