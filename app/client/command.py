"""``foveate compress``: a run, from its arguments to its exit code."""

import argparse
import json
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final, NoReturn

from app.client.arguments import DONE, INTERRUPTED, NO_SERVICE, SOME_FAILED, USAGE
from app.client.ledger import BusyFolderError, Ledger
from app.client.names import shown
from app.client.report import Report
from app.client.sending import RefusedError, Sender, StoppedError, UnusableServiceError
from app.client.service import running_service
from app.client.sources import NoSuchPhotoError, Source, find_photos
from app.client.targets import (
    JPEG_SUFFIXES,
    NotWrittenError,
    clear_parts,
    heatmap_of,
    target_of,
)
from app.client.work import NOT_WRITTEN, Outcome, Work, absolute, compress_stream
from app.options import describe_options, parse_options
from contract.errors import InvalidOptionError

STANDARD: Final = "-"
MOST_STDIN_BYTES: Final = 2**30
# For uploads under way when a run is interrupted.
END_PATIENCE_S: Final = 5.0


def run(arguments: argparse.Namespace) -> int:
    """Compress what the command names; return the exit code."""
    given = {
        name: str(value).lower() if isinstance(value, bool) else value
        for name in describe_options()
        if (value := getattr(arguments, f"option_{name}")) is not None
    }
    signal.signal(signal.SIGTERM, interrupt)
    try:
        canonical = json.dumps(asdict(parse_options(list(given.items()))), sort_keys=True)
        if STANDARD in arguments.photos:
            return run_stream(arguments, given)
        return run_files(arguments, given, canonical)
    except (InvalidOptionError, NoSuchPhotoError, BusyFolderError, UsageError) as error:
        words = f"no such photo: {error}" if isinstance(error, NoSuchPhotoError) else str(error)
        print(f"foveate: {words}", file=sys.stderr)
        return USAGE
    except UnusableServiceError as error:
        print(f"foveate: {error}", file=sys.stderr)
        return NO_SERVICE
    except NotWrittenError as error:
        print(f"foveate: {error}; the same command goes on from here", file=sys.stderr)
        return SOME_FAILED
    except (KeyboardInterrupt, StoppedError):
        print("foveate: interrupted; the same command goes on from here", file=sys.stderr)
        return INTERRUPTED


class UsageError(Exception):
    """The arguments don't go together."""


def run_files(arguments: argparse.Namespace, given: Mapping[str, str], canonical: str) -> int:
    """Compress files and folders."""
    if arguments.output == STANDARD:
        raise UsageError("standard output takes one photo, from standard input: '- -o -'")
    if arguments.output is None and not arguments.in_place:
        raise UsageError("say where results go: -o PATH or --in-place")
    folder = None if arguments.in_place else Path(arguments.output)
    if folder is not None and is_result_file(arguments.output, arguments.photos):
        [source] = find_photos(arguments.photos)
        sources = [replace(source, place=Path(folder.name))]
        folder = folder.parent
    else:
        sources = find_photos(arguments.photos, leave_out=folder)
    roots = {source.root for source in sources} if folder is None else {folder}
    with ExitStack() as stack:
        try:
            ledgers = {root: stack.enter_context(Ledger(root)) for root in sorted(roots)}
        except OSError as error:
            raise UsageError(f"can't write there: {error}") from error
        lines = sys.stdout if arguments.json else None
        report = stack.enter_context(
            closing(Report(len(sources), lines=lines, quiet=arguments.quiet))
        )
        with_heatmaps = given.get("heatmap", "none") != "none"
        sources, clashing = part_clashing(sources, folder, with_heatmaps=with_heatmaps)
        for outcome in clashing:
            report.add(outcome)
        clear_parts({place_of(source, folder).parent for source in sources})
        if sources:
            sender = stack.enter_context(open_sender(arguments))
            named = frozenset(absolute(source.path) for source in sources)
            work = Work(sender, given, canonical, ledgers, folder, named, arguments.overwrite)
            for outcome in in_parallel(work.do, sources, arguments.jobs, stop=sender.stop):
                report.add(outcome)
    if not (arguments.quiet or arguments.json):
        print(report.table())
    return SOME_FAILED if report.states["failed"] else DONE


def is_result_file(output: str, photos: Sequence[str]) -> bool:
    """Return whether ``-o`` names the result of the one photo given, not a folder."""
    path = Path(output)
    return (
        path.suffix.lower() in JPEG_SUFFIXES
        and not output.endswith(os.sep)
        and not path.is_dir()
        and len(photos) == 1
        and Path(photos[0]).is_file()
    )


def run_stream(arguments: argparse.Namespace, given: Mapping[str, str]) -> int:
    """Compress standard input to standard output."""
    if arguments.photos != [STANDARD] or arguments.output not in {None, STANDARD}:
        raise UsageError("standard input goes to standard output, alone: '- -o -'")
    if given.get("heatmap", "none") != "none" or arguments.in_place:
        raise UsageError("standard output takes the JPEG only")
    if sys.stdout.isatty():
        raise UsageError("standard output is a terminal; redirect it")
    with open_sender(arguments) as sender:
        try:
            result = compress_stream(sender, given, sys.stdin.buffer, MOST_STDIN_BYTES)
            sys.stdout.buffer.write(result.jpeg)
            sys.stdout.buffer.flush()
        except (RefusedError, OSError) as error:
            print(f"foveate: {error}", file=sys.stderr)
            return SOME_FAILED
    return DONE


@contextmanager
def open_sender(arguments: argparse.Namespace) -> Iterator[Sender]:
    """Yield the way to the service that the arguments name, or to one of our own."""
    with ExitStack() as stack:
        url = arguments.url
        if url is None:
            if not arguments.quiet:
                print("foveate: starting a service for this run", file=sys.stderr)
            url = stack.enter_context(running_service(arguments.workers))
        sender = Sender(
            url,
            key=os.environ.get("FOVEATE_API_KEY"),
            connections=arguments.jobs,
            by_proxy=arguments.url is not None,
        )
        stack.callback(sender.stop)
        sender.check()
        yield sender


def part_clashing(
    sources: Sequence[Source], folder: Path | None, *, with_heatmaps: bool
) -> tuple[list[Source], list[Outcome]]:
    """Return the photos whose results have places of their own, and what to say of the others."""
    taken: dict[Path, Source] = {}
    fine: list[Source] = []
    clashing: list[Outcome] = []
    for source in sources:
        target = place_of(source, folder)
        places = [target]
        if with_heatmaps:
            places += [heatmap_of(target, kind) for kind in ("image/png", "image/jpeg")]
        first = next((taken[place] for place in places if place in taken), None)
        if first is None:
            fine.append(source)
            taken.update(dict.fromkeys(places, source))
        else:
            detail = f"its result would take the place of that of {shown(first.path)}"
            clashing.append(Outcome(source.path, "failed", code=NOT_WRITTEN, detail=detail))
    return fine, clashing


def place_of(source: Source, folder: Path | None) -> Path:
    """Return where a photo's result goes: below ``folder``, or with None in the photo's place."""
    return source.path.resolve() if folder is None else target_of(source, folder)


def in_parallel(
    work: Callable[[Source], Outcome],
    sources: Sequence[Source],
    jobs: int,
    *,
    stop: Callable[[], None],
) -> Iterator[Outcome]:
    """Yield outcomes as they come from ``jobs`` threads; raises what ``work`` raises.

    However it ends, ``stop`` is called, and the threads are given a moment to end.
    """
    todo = iter(sources)
    done: queue.SimpleQueue[Outcome | BaseException | None] = queue.SimpleQueue()
    lock = threading.Lock()

    def run_worker() -> None:
        try:
            while True:
                with lock:
                    source = next(todo, None)
                if source is None:
                    break
                done.put(work(source))
        except BaseException as error:  # noqa: BLE001 (raised where the run is)
            done.put(error)
        done.put(None)

    threads = [
        threading.Thread(target=run_worker, daemon=True) for _ in range(min(jobs, len(sources)))
    ]
    for thread in threads:
        thread.start()
    try:
        working = len(threads)
        while working:
            outcome = done.get()
            if isinstance(outcome, BaseException):
                raise outcome
            if outcome is None:
                working -= 1
            else:
                yield outcome
    finally:
        with lock:
            todo = iter(())
        stop()
        for thread in threads:
            thread.join(END_PATIENCE_S / len(threads))


def interrupt(*_: object) -> NoReturn:
    """End as by Ctrl-C: results stay whole, a service of our own is stopped."""
    raise KeyboardInterrupt
