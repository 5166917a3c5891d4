"""What the loss adds to the errors of the outputs: the weight of each cost is a setting.

The functions whose means are the costs are in rnn/costs.py.
"""

from settings.setting import Setting
from settings.validators import number

COSTS: dict[str, Setting] = {
    'spike_cost': Setting(0.02, number(0), 'weight of the mean (squared) activity in the loss'),
    'weight_cost': Setting(
        0, number(0), 'weight of the mean (squared) rectified recurrent weight in the loss'
    ),
}


def loss_of(cost: str) -> str:
    """The name under which the value of a cost, without its weight, is saved: NAME_loss."""
    return f'{cost.removesuffix("_cost")}_loss'


def title_of(loss: str) -> str:
    """What figures and reports call the value of a cost, given its name: NAME_loss."""
    return 'Activity loss' if loss == 'spike_loss' else loss.replace('_', ' ').capitalize()
