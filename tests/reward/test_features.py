"""An answer's features are the frozen base's alone, and hang on nothing but the request and the answer."""

from pathlib import Path

import numpy as np
import pytest

from feedback_loop.adapters import in_force
from feedback_loop.models import load_base, load_tokenizer
from feedback_loop.recipe import ModelTable
from feedback_loop.records import Prompt
from policies.base import load_policy
from reward.features import LAYERS, REQUEST, chosen_layers, features
from reward.score import load_scorer
from reward.text import NAMES, statistics
from tests.models_fixture import BAD, GOOD, TINY, tiny_prompts

ASKED = tiny_prompts(6)
TEXTS = [GOOD, BAD, "Use warm water.", GOOD + " Then let it dry.", "I do not know.", ""]


def read(
    model: ModelTable = TINY, prompts: list[Prompt] = ASKED, texts: list[str] = TEXTS, batch_size: int = 3
) -> np.ndarray:
    return features(load_base(model), load_tokenizer(model), prompts, texts, thinking=False, batch_size=batch_size)


@pytest.fixture(scope="module")
def plain() -> np.ndarray:
    return read()


def test_columns_are_states_then_statistics_then_the_request(plain: np.ndarray):
    config = load_base(TINY).config
    states = len(chosen_layers(config.num_hidden_layers + 1)) * config.hidden_size
    assert plain.shape == (6, states + len(NAMES) + REQUEST)
    assert plain.dtype == np.float32
    counted = [statistics(p, t) for p, t in zip(ASKED, TEXTS, strict=True)]
    np.testing.assert_allclose(plain[:, states:-REQUEST], counted, rtol=1e-6)


def test_batches_and_order_do_not_matter(plain: np.ndarray):
    for size in (1, 6):
        np.testing.assert_allclose(read(batch_size=size), plain, atol=1e-4)
    back = read(prompts=ASKED[::-1], texts=TEXTS[::-1])
    np.testing.assert_allclose(back[::-1], plain, atol=1e-4)


def test_adapters_on_the_network_change_nothing_and_stay_in_force(
    plain: np.ndarray, adapter: Path, reward_adapter: Path
):
    policy = load_policy(TINY, adapter, name="p")
    before = in_force(policy.model)
    load_scorer(policy.model, policy.tokenizer, [reward_adapter], thinking=False, batch_size=3)
    found = features(policy.model, policy.tokenizer, ASKED, TEXTS, thinking=False, batch_size=3)
    np.testing.assert_array_equal(found, plain)
    assert in_force(policy.model) == before


def test_answers_to_one_request_have_its_columns_in_common_and_others_do_not():
    found = read(prompts=[ASKED[0], ASKED[0], ASKED[1]], texts=[GOOD, BAD, GOOD])
    request, answer = found[:, -REQUEST:], found[:, :-REQUEST]
    np.testing.assert_allclose(request[0], request[1], atol=1e-4)
    assert np.abs(request[0] - request[2]).max() > 1e-2
    assert np.abs(answer[0] - answer[1]).max() > 1e-1


def test_a_qwen2_is_read_alike(qwen2: ModelTable):
    found = read(qwen2)
    assert found.shape == (6, 3 * 32 + len(NAMES) + REQUEST)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(read(qwen2, batch_size=1), found, atol=1e-4)


def test_a_large_base_in_bfloat16_gives_finite_numbers_near_those_of_float32(plain: np.ndarray):
    half = read(TINY.model_copy(update={"dtype": "bfloat16"}))
    assert np.isfinite(half).all()
    assert np.corrcoef(half.ravel(), plain.ravel())[0, 1] > 0.99


def test_nothing_to_read_is_no_rows():
    assert len(read(prompts=[], texts=[])) == 0


@pytest.mark.parametrize(("count", "layers"), [(1, [0]), (3, [0, 1, 2]), (8, list(range(8)))])
def test_of_a_small_model_all_layers_are_read(count: int, layers: list[int]):
    assert chosen_layers(count) == layers


@pytest.mark.parametrize("count", [9, 25, 29, 37])
def test_of_a_large_one_eight_evenly_spaced_with_the_last(count: int):
    found = chosen_layers(count)
    assert (len(found), found[0], found[-1]) == (LAYERS, 0, count - 1)
    steps = np.diff(found)
    assert steps.max() - steps.min() <= 1
