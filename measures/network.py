"""A saved network: the parameters with which it is analysed, and whether it has a measure."""

from collections.abc import Mapping, Sequence

from measures.earlier import is_there
from measures.measure import measure_of
from parameters import analysis_parameters
from results import analysis_of


class MissingMeasure(ValueError):
    """Networks lack a measure; `others` are those that have it."""

    def __init__(self, message: str, others: list[Mapping]):
        super().__init__(message)
        self.others = others


def parameters_of(network: Mapping, options: Mapping | None = None) -> dict:
    """The parameters with which a network is analysed, with the options of its analysis.

    `options` are those of another one, see `made_with` in measures/earlier.py. Raises ValueError if
    the network's parameters are not complete, or if its task is not known.
    """
    options = analysis_of(network).get('options', {}) if options is None else options
    options = {name: value for name, value in options.items() if name != 'seed'}
    return analysis_parameters(network['parameters'], options)


def require(networks: Sequence[Mapping], *names: str) -> None:
    """Raise MissingMeasure, which says how to get it, if a network lacks one of these measures."""
    for name in names:
        others = [network for network in networks if name in network]
        lacking = [network for network in networks if name not in network]
        if lacking:
            counted = f'{len(lacking)} of {len(networks)} networks lack {name}'
            raise MissingMeasure(f'{counted}: {_remedy(name, lacking)}', others)


def _remedy(name: str, lacking: Sequence[Mapping]) -> str:
    """Why networks cannot have a measure, or how they can get it."""
    measure = measure_of(name)
    if measure is None:
        return 'analyse them'
    every = [parameters_of(network) for network in lacking]
    reasons = [measure.unmet(p, name) for p in every]
    if all(reasons):
        return reasons[-1][0].rstrip('.')
    extra = [option for option in measure.options if not all(p[option] for p in every)]
    words = ' '.join(f'--set {option}=True' for option in extra)
    if not words and any(analysis_of(n) and is_there(measure, n) for n in lacking):
        words = '--overwrite'  # the measure is noted as taken, but has this result since then
    return f'analyse them with {words}' if words else 'analyse them'
