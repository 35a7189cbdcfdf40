"""A training that was packed and unpacked goes on as though nothing had been."""

import torch

from policies.optimised import pack, unpack


def made() -> tuple[dict[str, torch.Tensor], torch.optim.Optimizer]:
    learning = {name: torch.ones(3, requires_grad=True) for name in ("a", "b")}
    return learning, torch.optim.AdamW(learning.values(), lr=0.1)


def go_on(learning: dict[str, torch.Tensor], optimizer: torch.optim.Optimizer, updates: int) -> None:
    for number in range(updates):
        sum(((number + 1) * p**2).sum() for p in learning.values()).backward()  # type: ignore[union-attr]
        optimizer.step()
        optimizer.zero_grad()


def test_parameters_and_moments_come_back():
    learning, optimizer = made()
    go_on(learning, optimizer, 2)
    kept = {name: tensor.detach().clone() for name, tensor in pack(learning, optimizer).items()}
    other, again = made()
    unpack(other, again, kept)
    for each in ((learning, optimizer), (other, again)):
        go_on(*each, 2)
    assert all(torch.equal(learning[name], other[name]) for name in learning)
