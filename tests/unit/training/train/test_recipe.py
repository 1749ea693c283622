import argparse

import pytest
from binlab.train.recipe import RECIPES, Stage, add_flags, recipe_from, stages
from hypothesis import given
from hypothesis import strategies as st


def parsed(*flags: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_flags(parser)
    return parser.parse_args(flags)


def test_the_baseline_is_the_recipe_of_the_published_attempts() -> None:
    baseline = RECIPES["baseline"]

    assert (baseline.optimizer, baseline.epochs, baseline.batch) == ("adam", 10, 128)
    assert (baseline.mixup, baseline.neighbour_smoothing, baseline.distil, baseline.ema) == (0, 0, 0, 0)
    assert baseline.augment == "none"


@pytest.mark.parametrize("name", RECIPES)
def test_the_flags_of_a_recipe_reproduce_it(name: str) -> None:
    other = next(each for each in RECIPES if each != name)

    assert recipe_from(parsed("--recipe", name)) == RECIPES[name]
    assert recipe_from(parsed("--recipe", other, *RECIPES[name].flags().split())) == RECIPES[name]


def test_a_flag_overrides_the_recipe() -> None:
    recipe = recipe_from(parsed("--recipe", "best", "--lr", "0.1", "--out-of-range", "no", "--mixup", "0"))

    assert (recipe.lr, recipe.out_of_range, recipe.mixup) == (0.1, False, 0.0)
    assert recipe.weight_decay == RECIPES["best"].weight_decay


@given(st.lists(st.builds(Stage, st.integers(1, 20), st.integers(32, 512)), min_size=1, max_size=4))
def test_every_epoch_has_the_size_of_its_stage(made: list[Stage]) -> None:
    recipe = recipe_from(parsed("--stages", ",".join(map(str, made))))

    assert recipe.stages == tuple(made)
    sizes = [recipe.size_of(epoch) for epoch in range(1, recipe.epochs + 1)]
    assert sizes == [stage.size for stage in made for _ in range(stage.epochs)]


@pytest.mark.parametrize("text", ["8", "8x", "x128", "8x128x3", "a", ""])
def test_invalid_stages_are_refused_with_a_reason(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="8x128,4x176"):
        stages(text)


def test_no_epoch_follows_the_last() -> None:
    with pytest.raises(ValueError, match="after the last"):
        RECIPES["baseline"].size_of(11)
