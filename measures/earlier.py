"""What an earlier analysis left in a result, and what another one would lose."""

import os
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np

import results
from measures.measure import Measure, measure_of
from parameters import own_name
from settings.analysis import ANALYSIS
from settings.compared import differing, equal_values

# Options of which more gives the same measures, more precisely, and switches that add measures.
COUNTS = {n for n, option in ANALYSIS.items() if type(option.default) is int}
SWITCHES = {n for n, option in ANALYSIS.items() if isinstance(option.default, bool)}
SWITCHES -= {'svm_normalize'}
DEFAULTS = {name: option.default for name, option in ANALYSIS.items()}

ELSEWHERE = (
    'write to another file (--out, savefile), or overwrite them (--overwrite, overwrite=True)'
)


class MeasuresLost(ValueError):
    """A file would lose measures to an analysis; `lost` names some, the message also a remedy."""

    def __init__(self, lost: str, remedy: str = ELSEWHERE):
        super().__init__(f'{lost}: {remedy}')
        self.lost = lost


def made_with(p: Mapping, updates: Mapping | None, seed: int, trained: Mapping) -> dict:
    """What decides the numbers of an analysis: options, other changed parameters, and the seed.

    `p` are the parameters of the analysis, `trained` those of the training, `updates` what was
    given for the analysis.
    """
    given = map(own_name, updates or {})
    changed = [name for name in given if not equal_values(p[name], trained.get(name))]
    return {name: p[name] for name in (*ANALYSIS, *changed)} | {'seed': seed}


def conditions(options: Mapping) -> dict:
    """Among what an analysis is `made_with`, the parameters that differ from those of the training.

    An analysis with other conditions, such as another delay, measures something else.
    """
    return {n: value for n, value in options.items() if n not in ANALYSIS and n != 'seed'}


def combined(saved: Mapping, options: Mapping) -> dict | None:
    """The options of an earlier analysis together with those of another, as `made_with`.

    None unless the measures of both may stand in one file: switches only add measures, and all else
    must be the same, or more in the earlier one. An option that is newer than the earlier analysis
    had its default.
    """
    noted = results.analysis_of(saved).get('options')
    before = DEFAULTS | (noted or {})
    if noted is None or before.keys() != options.keys():
        return None
    found = {}
    for name, value in options.items():
        if name in SWITCHES:
            found[name] = before[name] or value
        elif equal_values(before[name], value) or (name in COUNTS and before[name] > value):
            found[name] = before[name]
        else:
            return None
    return found


def is_there(measure: Measure, saved: Mapping) -> bool:
    """Whether a measure was taken of saved results, which still hold all that is noted of it.

    In older files, which do not note what was taken, it was if one of its results is noted.
    """
    about = results.analysis_of(saved)
    noted = {*about.get('measures', ())} & {*measure.saved_names()}
    was_taken = measure.name in about['taken'] if 'taken' in about else bool(noted)
    return was_taken and noted <= saved.keys()


def require_kept(saved: Mapping, options: Mapping, taken: Collection[Measure]) -> None:
    """Raise MeasuresLost if a new analysis would drop measures in `saved`, or make them worse.

    The new analysis takes the measures `taken` with `options` (see `made_with`). A measure would be
    lost if it is not taken again, or taken with fewer trials or repetitions, or under other
    conditions. Where `saved` does not say how its measures were made, as in files of the original
    code, each measure that would be replaced counts as lost.
    """
    about = results.analysis_of(saved)
    before = about.get('options', {})
    off = [n for n in sorted(SWITCHES & before.keys()) if before[n] and not options[n]]
    as_much = 'ask for as much' + (f' ({", ".join(f"{n}=True" for n in off)})' if off else '')
    remedy = f'{as_much}, {ELSEWHERE}'
    if about:
        for name in sorted(COUNTS & before.keys()):
            if before[name] > options[name]:
                found = f'{name} = {before[name]}, not {options[name]}'
                raise MeasuresLost(f'it holds more precise measures ({found})', remedy)
        _require_same_conditions(saved['parameters'], before, options)
        lost = [n for n in about.get('measures', ()) if n in saved and measure_of(n) not in taken]
    else:
        lost = [name for name in saved if measure_of(name) in taken]
    if lost:
        few = ', '.join(lost[:3]) + (f' and {len(lost) - 3} more' if len(lost) > 3 else '')
        raise MeasuresLost(f'it holds measures that would be lost ({few})', remedy)


def _require_same_conditions(trained: Mapping, before: Mapping, options: Mapping) -> None:
    made = conditions(before), conditions(options)
    both = [{**trained, **values} for values in made]
    if names := differing([*made[0], *made[1]], both):
        was, now = (values.get(names[0]) for values in both)
        raise MeasuresLost(f'it holds measures with {names[0]} = {was!r}, not {now!r}')


def what_is_there(target: str | os.PathLike, saved: Mapping, filename) -> dict | None:
    """What a file holds of the same network as `saved`, that of `filename`; None without a file.

    Raises ValueError if it holds another network.
    """
    if not Path(target).exists():
        return None
    if Path(target) == Path(filename):
        return saved
    earlier = results.load_results(target)
    for name, weight in saved['weights'].items():
        if not np.array_equal(weight, earlier['weights'].get(name)):
            raise ValueError(
                f'{target} holds another network; --overwrite (overwrite=True) replaces it'
            )
    return earlier
