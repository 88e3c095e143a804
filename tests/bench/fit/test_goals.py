import pytest

from bench.fit.goals import RIVALS, UNIFORM, WEIGHTED, Bound, Goals, Reward


def test_only_a_column_below_its_bound_adds_to_the_cost() -> None:
    goals = Goals((Bound("psnr", 0.1), Bound("ssimulacra2", 1.0, over_rivals=True)), ())
    columns = {
        (75, WEIGHTED): {"psnr": 0.3, "ssimulacra2": 4.0},
        (75, RIVALS): {"ssimulacra2": 2.5},
    }
    assert goals.cost(columns, [75]) == 0.0
    columns[75, WEIGHTED] = {"psnr": 0.0, "ssimulacra2": 3.0}
    assert goals.cost(columns, [75]) == pytest.approx(10 * 0.1 + 10 * 0.5)


def test_a_reward_lowers_the_cost_which_is_a_mean_over_qualities() -> None:
    goals = Goals((), (Reward("psnr_s", 2.0),))
    columns = {(50, WEIGHTED): {"psnr_s": 0.5}, (75, WEIGHTED): {"psnr_s": 1.5}}
    assert goals.cost(columns, [75]) == -3.0
    assert goals.cost(columns, [50, 75]) == -2.0


def test_a_bound_holds_at_its_qualities_only() -> None:
    goals = Goals((Bound("psnr", 1.0, qualities=(45, 80)),), ())
    low = {(quality, WEIGHTED): {"psnr": 0.0} for quality in (30, 50)}
    assert goals.cost(low, [30]) == 0.0
    assert goals.cost(low, [50]) == 10.0


def test_only_columns_of_goals_are_needed() -> None:
    goals = Goals(
        (Bound("a", 0.0, UNIFORM, over_rivals=True), Bound("b", 0.0, qualities=(45, 80))),
        (Reward("c", 1.0),),
    )
    assert goals.columns(UNIFORM, 50) == goals.columns(RIVALS, 50) == {"a"}
    assert goals.columns(WEIGHTED, 50) == {"b", "c"}
    assert goals.columns(WEIGHTED, 30) == {"c"}


def test_without_a_rival_nothing_is_relative_to_it() -> None:
    goals = Goals((Bound("a", 1.0, over_rivals=True),), ())
    assert goals.cost({(75, WEIGHTED): {"a": -9.0}}, [75]) == 0.0
