"""What is done to a network after loading."""

from typing import Any


def own(network: Any) -> Any:
    """The network with its weights copied out of the file they are mapped from, as they would be on a GPU."""
    for tensor in (*network.parameters(), *network.buffers()):
        tensor.data = tensor.data.clone()
    return network


def fold_head(network: Any) -> Any:
    """The network with its output layer given contiguous states.

    When an answer begins, generate() hands the output layer the last place of the prompt alone, a slice. If its weights
    are frozen, torch 2.13 on the CPU then copies them once for each row of the batch, in place of one matrix product:
    with Qwen's vocabulary and 8 rows 2 GB and several seconds. `feedback_loop.models.load_base` sees to it for ours; this does
    the same for TRL's policy, to see the rest.
    """
    network.get_output_embeddings().register_forward_pre_hook(lambda _, given: (given[0].contiguous(),))
    return network
