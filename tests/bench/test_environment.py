from bench import environment


def test_meta_describes_machine_and_packages() -> None:
    meta = environment.describe_machine()
    assert meta["cores"] >= 1
    assert meta["packages"]["numpy"]
    assert "no-such-package" not in environment.find_versions(["no-such-package"])
    assert str(environment.ROOT) not in str(meta)


def test_a_command_line_contains_no_absolute_path() -> None:
    inside = str(environment.ROOT / "bench" / "results" / "service.json")
    argv = ["…/bench/__main__.py", "service", f"--out={inside}", "--images", "/home/me/photos"]
    assert environment.command_line(argv) == (
        "python -m bench service --out=bench/results/service.json --images photos"
    )
