from bench.rd.summary import count_wins, find_worst, group_photos, summarise


def rows_of_photo(foveate: float, butteraugli: float = 1.0) -> dict[str, dict[str, float]]:
    def row(psnr: float, butteraugli: float) -> dict[str, float]:
        return {"bytes_ratio": 1.0, "ms": 2.0, "psnr": psnr, "butteraugli": butteraugli}

    ours = row(foveate, butteraugli)
    return {
        "standard": row(30.0, 1.0),
        "foveate_uniform": ours,
        "foveate": ours,
        "foveate_full": ours,
    }


def test_a_higher_psnr_and_a_lower_butteraugli_are_wins() -> None:
    wins = count_wins(
        [rows_of_photo(31.0, 0.9), rows_of_photo(29.0, 0.9), rows_of_photo(30.0, 1.1)]
    )
    assert wins["foveate"]["standard"] == {"psnr": 1, "butteraugli": 2}


def test_the_worst_photo_has_the_smallest_gain() -> None:
    worst = find_worst({"a": rows_of_photo(31.0, 1.5), "b": rows_of_photo(29.0, 0.5)})
    assert worst["foveate"]["psnr"] == {"photo": "b", "gain": -1.0}
    assert worst["foveate"]["butteraugli"] == {"photo": "a", "gain": -0.5}


def test_means_skip_photos_that_lack_a_measure() -> None:
    second = {name: {**row} for name, row in rows_of_photo(33.0).items()}
    del second["foveate"]["psnr"]
    assert summarise([rows_of_photo(31.0), second])["foveate"]["psnr"] == 31.0


def test_one_folder_makes_no_groups() -> None:
    photos = {"a": rows_of_photo(31.0), "b": rows_of_photo(33.0)}
    assert group_photos(photos, {"a": "", "b": ""}) == {}
    groups = group_photos(photos, {"a": "", "b": "faces"})
    assert groups["faces"]["summary"]["foveate"]["psnr"] == 33.0
    assert groups["."]["photos"] == 1
