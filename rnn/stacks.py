"""Some networks of a stack, and stacks put together again.

Networks that are computed at once are a chunk: a slice of the stack, or None for the only network
of a model that is no stack. A chunk of one network has no axis of networks, so its products are
those of a network alone: that of several matrices may round differently.
"""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

Chunk = slice | None


def _is_one(chunk: Chunk) -> bool:
    return chunk is not None and chunk.stop - chunk.start == 1


def members(tensors, chunk: Chunk):
    """The chunk of each tensor (network, ...) of a nested structure."""
    if chunk is None:
        return tensors
    return tf.nest.map_structure(lambda v: v[chunk.start if _is_one(chunk) else chunk], tensors)


def stacked(arrays: Sequence[np.ndarray], chunk: Chunk) -> tf.Tensor:
    """The arrays of the networks of a chunk as one tensor."""
    array = arrays[0] if chunk is None or _is_one(chunk) else np.stack(arrays)
    return tf.constant(array, tf.float32)


def joined(results: Sequence[dict[str, tf.Tensor]], chunks: Sequence[Chunk]) -> dict:
    """The results of all chunks as tensors (network, ...)."""
    if chunks[0] is None:
        return results[0]
    whole = [
        {name: v[tf.newaxis] if _is_one(chunk) else v for name, v in result.items()}
        for result, chunk in zip(results, chunks, strict=True)
    ]
    return {name: tf.concat([result[name] for result in whole], 0) for name in whole[0]}
