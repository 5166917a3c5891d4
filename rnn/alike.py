"""What networks must have in common to be trained at once."""

from collections.abc import Mapping, Sequence

# The task, and all sizes. Everything else may differ.
ALIKE = ('trial_type', 'task_digest', 'shape', 'num_time_steps', 'dt', 'batch_size', 'EI')
ALIKE += ('spike_regularization',)


def kind(p: Mapping) -> tuple:
    """What networks with these parameters must have in common to be stacked."""
    return tuple(p[name] for name in ALIKE)


def require_alike(networks: Sequence[Mapping]) -> None:
    """Raise ValueError for networks that cannot be stacked."""
    for name in ALIKE:
        values = sorted({str(p[name]) for p in networks})
        if len(values) > 1:
            raise ValueError(f'networks of a stack must agree in {name}: {" and ".join(values)}')
