"""Loss on given text: the same as a whole forward pass says, whatever is batched with it, and text of any length."""

import pytest

from feedback_loop.progress import silent
from policies.base import load_policy
from policies.perplexity import LONGEST, losses
from tests.models_fixture import TINY

TEXTS = ["Keep the kettle safe. A friend can help.", "You should wash the drum slowly. " * 20, "Read the manual first."]


def test_it_is_the_mean_negative_log_probability_of_all_tokens_but_the_first():
    import torch

    policy = load_policy(TINY, None, name="base")
    ids = policy.tokenizer(TEXTS[0], add_special_tokens=False, return_tensors="pt")["input_ids"]
    with torch.no_grad():
        expected = policy.model(input_ids=ids, labels=ids).loss.item()
    assert losses(policy, TEXTS, report=silent)[0] == pytest.approx(expected, rel=1e-4)


def test_of_a_long_text_the_beginning_is_read():
    policy = load_policy(TINY, None, name="base")
    seen: list[tuple[int, int, str]] = []
    whole = losses(policy, [TEXTS[1], TEXTS[1] * 3], report=lambda *step: seen.append(step))
    assert len(policy.tokenizer(TEXTS[1])["input_ids"]) > LONGEST
    assert whole[0] == pytest.approx(whole[1])
    assert seen[-1] == (2, 2, "neutral text")
