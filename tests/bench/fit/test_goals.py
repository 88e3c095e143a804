import pytest

from bench.fit.goals import Bound, Goals, Reward


def test_only_a_column_below_its_bound_adds_to_the_cost() -> None:
    goals = Goals((Bound("psnr", 0.1), Bound("ssimulacra2", 1.0, over_rivals=True)), ())
    columns = {
        (75, "weighted"): {"psnr": 0.3, "ssimulacra2": 4.0},
        (75, "mozjpeg"): {"psnr": 0.0, "ssimulacra2": 2.5},
        (75, "jpegli"): {"psnr": 0.0, "ssimulacra2": 2.0},
    }
    assert goals.cost(columns, [75]) == 0.0
    columns[75, "weighted"] = {"psnr": 0.0, "ssimulacra2": 3.0}
    assert goals.cost(columns, [75]) == pytest.approx(10 * 0.1 + 10 * 0.5)


def test_a_reward_lowers_the_cost() -> None:
    goals = Goals((), (Reward("psnr_s", 2.0),))
    assert goals.cost({(75, "weighted"): {"psnr_s": 1.5}}, [75]) == -3.0
