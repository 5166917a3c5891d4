"""Which measures an analysis takes, in which trials, and how much work that is."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

import results
import tasks
from measures.earlier import combined, is_there, made_with, require_kept
from measures.measure import INDEPENDENT, KINDS, PROBE, TRAINING, Measure, all_measures
from measures.network import parameters_of
from measures.run import end_of_delay
from parameters import analysis_parameters, parameters_with, settings_for


class Plan(NamedTuple):
    """An analysis: the network to which it adds measures, with which parameters and options."""

    network: dict
    p: dict
    options: dict  # see `made_with`
    measures: frozenset[Measure]  # those to be taken

    def analyzed(self, found: Mapping) -> dict:
        """The network with the results that were found, and with what is known about them."""
        whole, end = self.network | found, end_of_delay(self.p)
        names = {*results.analysis_of(self.network).get('measures', ()), *found}
        kept = {m for m in all_measures() if is_there(m, self.network)}
        about = {
            'options': self.options,
            'taken': sorted(m.name for m in kept | self.measures),
            'measures': sorted(name for name in names if name in whole),
            'end_of_delay': (end.start, end.stop),
        }
        return whole | {'analysis': about}


def planned(
    saved: Mapping, update_params: Mapping | None, seed: int, there: Mapping | None = None
) -> Plan:
    """The analysis of a saved network, where a file already holds `there` of the same network.

    If the measures of `there` may stand beside those that are asked for (see `combined`), they are
    kept and only the missing ones are taken, with as many trials and repetitions. Otherwise all are
    taken, and those in `saved` are left out. Raises ValueError for settings that are not allowed,
    MeasuresLost if measures in `there` would be lost.
    """
    p = analysis_parameters(saved['parameters'], update_params)
    options = made_with(p, update_params, seed, saved['parameters'])
    measures = lacking(there or {}, p, options)
    if there and (both := combined(there, options)):
        return Plan(there, parameters_of(there, both), both, measures)
    if there:
        require_kept(there, options, measures)
    earlier = {'analysis', *results.analysis_of(saved).get('measures', ())}
    network = {name: value for name, value in saved.items() if name not in earlier}
    return Plan(network, p, options, measures)


def lacking(saved: Mapping, p: Mapping, options: Mapping) -> frozenset[Measure]:
    """The measures that an analysis with these options takes, and saved results do not hold."""
    every = frozenset(m for kind in _kinds(p) for m in wanted(kind, p))
    if combined(saved, options) is None:
        return every
    return frozenset(m for m in every if not is_there(m, saved))


def _kinds(p: Mapping) -> tuple[str, ...]:
    """The kinds of trials in which there is something to measure."""
    return KINDS if tasks.of(p).probe == 'DMS' else (TRAINING, INDEPENDENT)


def kinds_of_trials(p: Mapping) -> dict[str, dict]:
    """The kinds of trials in which there is something to measure, with their parameters.

    DMS probes are trials for the inputs of this network: sample and test are in receptive field 0,
    whose inputs come first; all other inputs have nothing but noise.
    """
    kinds = {TRAINING: p, INDEPENDENT: p}
    if PROBE not in _kinds(p):
        return kinds
    in_field = p['num_motion_tuned'] // p['num_receptive_fields']
    probe = {
        'trial_type': 'DMS',
        'sample_time': 500,
        'delay_time': 1000,
        'mask_duration': 0,  # no accuracy is measured, and test_time can be short in a sequence
        # times that an own task may do without
        **{name: max(p[name], p['dt']) for name in ('fix_time', 'test_time')},
        'num_motion_tuned': in_field,
        'num_fix_tuned': 0,
        'num_rule_tuned': p['n_input'] - in_field,  # DMS cues no rule
        'n_output': p['n_output'],
    }
    # all settings, as the own task may suggest others than DMS; but no arrays that the user gave,
    # which may not fit, and from which only weights that are not used follow
    same = {name: p[name] for name in settings_for('DMS') if name in p}
    return kinds | {PROBE: parameters_with(same | probe)}


def wanted(kind: str, p: Mapping, among: Collection[Measure] | None = None) -> list[Measure]:
    """The measures that are taken in a kind of trials, `p` being the parameters of the network.

    `among`: the measures to choose from, by default all.
    """
    taken = {kind, PROBE} if tasks.of(p).probe == 'own' and kind == INDEPENDENT else {kind}
    every = [m for m in all_measures() if among is None or m in among]
    return [m for m in every if taken & {*m.trials} and m.is_wanted(p)]


def amount_of_work(p: Mapping, among: Collection[Measure] | None = None) -> int:
    """What `progress` of an analysis adds up to: batches, and the work of each measure."""
    work = 0
    for kind, p_of_trials in kinds_of_trials(p).items():
        measures = wanted(kind, p, among)
        work += num_batches(measures, p)
        work += sum(m.work(p_of_trials) for m in measures)
    return work


def num_batches(measures: Collection[Measure], p: Mapping) -> int:
    """How many batches of trials a kind of trials needs for these measures."""
    return p['tuning_batches'] if any(m.averaged for m in measures) else bool(measures)


def absent_measures(p: Mapping) -> list[str]:
    """Which measures that the options ask for have no meaning here, one sentence each."""
    return list(dict.fromkeys(s for m in all_measures() for s in m.absent(p)))
