from bench import environment as machine


def test_a_result_file_says_on_what_it_was_measured() -> None:
    meta = machine.describe_machine()
    assert meta["cores"] >= 1
    assert meta["packages"]["numpy"]
    assert "no-such-package" not in machine.find_versions(["no-such-package"])
    assert str(machine.ROOT) not in str(meta)


def test_a_command_line_shows_no_folder_of_the_machine() -> None:
    inside = str(machine.ROOT / "bench" / "results" / "service.json")
    argv = ["…/bench/__main__.py", "service", f"--out={inside}", "--images", "/home/me/photos"]
    assert machine.command_line(argv) == (
        "python -m bench service --out=bench/results/service.json --images photos"
    )
