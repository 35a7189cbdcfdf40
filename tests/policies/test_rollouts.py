"""Which prompts a step asks: a walk that is the same wherever one goes on from."""

from policies.rollouts import step_seed, walk


def test_each_time_round_every_prompt_comes_once_and_in_another_order():
    walked = list(walk(7, seed=3, start=0, count=21))
    laps = [walked[start : start + 7] for start in (0, 7, 14)]
    assert all(sorted(lap) == list(range(7)) for lap in laps)
    assert len(set(map(tuple, laps))) == 3


def test_from_any_place_it_goes_on_as_it_would_have():
    assert list(walk(7, seed=3, start=5, count=9)) == list(walk(7, seed=3, start=0, count=14))[5:]


def test_steps_draw_by_different_seeds_that_torch_takes():
    seeds = [step_seed(2**31 - 1, step) for step in range(100)]
    assert len(set(seeds)) == 100
    assert all(0 <= seed < 2**31 for seed in seeds)
