"""Commands in README, CONTRIBUTING and docs exist: targets, modules, subcommands, options."""

import argparse
import contextlib
import importlib.util
import io
import re
import runpy
import shlex
import sys
import warnings
from functools import cache

import pytest

from bench.__main__ import load
from tests.docs.documents import DOCUMENTS, ROOT, find_code, name_of

MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", MAKEFILE, re.MULTILINE))
VARIABLES = set(re.findall(r"\$[({](?:or \$\()?(?:if \$\()?([A-Z_]+)", MAKEFILE)) | set(
    re.findall(r"^([A-Z_]+) \?=", MAKEFILE, re.MULTILINE)
)
# `foveate` is `python -m app`.
MODULE = re.compile(r"python -m (.+)")
SCRIPT = re.compile(r"^(?:[A-Z_]+=\S+ )*(?:\S*/)?foveate ([a-z].*)")
BENCHMARK = re.compile(r"python -m bench ([a-z][\w-]* .*--.*)")
# Values for placeholders in commands.
PLACEHOLDERS = {"N": "1", "S": "1", "ANOTHER_CHECKOUT": str(ROOT)}
MODULES_WITH_SUBCOMMANDS = {"app", "bench", "model.training"}


def test_make_targets_exist() -> None:
    wrong = []
    for document in DOCUMENTS:
        for command in find_code(document.read_text("utf-8")):
            match = re.match(r"(?:[A-Z_]+=\S+ )*make (.+)", command)
            if not match:
                continue
            for word in shlex.split(match.group(1), comments=True):
                name, equals, _ = word.partition("=")
                if name not in (VARIABLES if equals else TARGETS) and word != "bench-…":
                    wrong.append(f"{name_of(document)}: make {match.group(1)}")
    assert wrong == []


def find_calls() -> dict[tuple[str, ...], set[str]]:
    """Return the options in documents by module and subcommand."""
    found: dict[tuple[str, ...], set[str]] = {}
    for document in DOCUMENTS:
        if document.name == "CHANGELOG.md":
            continue
        for command in find_code(document.read_text("utf-8")):
            module, script = MODULE.search(command), SCRIPT.search(command)
            if not (module or script) or "…" in command or "NAME" in command:
                continue
            text = module.group(1) if module else f"app {script.group(1) if script else ''}"
            name, *rest = split_words(text)
            subcommand = rest[:1] if name in MODULES_WITH_SUBCOMMANDS else []
            subcommand = [word for word in subcommand if not word.startswith("-")]
            options = {word.partition("=")[0] for word in rest if re.match(r"--?[a-z]", word)}
            found.setdefault((name, *subcommand), set()).update(options)
    return found


def split_words(text: str) -> list[str]:
    """Return a command's words, up to a pipe, redirection or next command."""
    command = re.split(r"[|<>&;)]", text)[0].strip()
    return [word.rstrip(",.") for word in shlex.split(command, comments=True)]


@cache
def help_of(module: str, *subcommand: str) -> str:
    """Return the output of a command's --help."""
    printed = io.StringIO()
    before = sys.argv
    sys.argv = [module, *subcommand, "--help"]
    try:
        with contextlib.redirect_stdout(printed), pytest.raises(SystemExit) as ended:
            run_as_command(module)
    finally:
        sys.argv = before
    assert ended.value.code in (0, None), (module, subcommand)
    return printed.getvalue()


def run_as_command(module: str) -> None:
    """Run a module like `python -m`."""
    with warnings.catch_warnings():
        # Other tests may have imported the module. It runs again, only as far as its parser.
        warnings.simplefilter("ignore", RuntimeWarning)
        runpy.run_module(module, run_name="__main__", alter_sys=True)


@pytest.mark.parametrize("call", sorted(find_calls()), ids=" ".join)
def test_modules_subcommands_and_options_exist(call: tuple[str, ...]) -> None:
    module = call[0]
    assert importlib.util.find_spec(module) is not None
    options = find_calls()[call] - {"--help", "-h"}
    if call[1:] or options or module in MODULES_WITH_SUBCOMMANDS:
        shown = help_of(*call)
        assert options <= set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", shown))


def find_benchmarks() -> set[str]:
    """Return the commands in documents that run a benchmark with options."""
    found = set()
    for document in DOCUMENTS:
        for command in find_code(document.read_text("utf-8")):
            match = BENCHMARK.search(command)
            if match and "…" not in command:
                found.add(match.group(1))
    return found


@pytest.mark.parametrize("command", sorted(find_benchmarks()))
def test_benchmarks_accept_their_options_as_written(command: str) -> None:
    name, *words = (PLACEHOLDERS.get(word, word) for word in split_words(command))
    parser = argparse.ArgumentParser()
    load(name).add_arguments(parser)
    parser.parse_args(words)
