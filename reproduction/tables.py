"""Tables of networks beside the paper and its code, in Markdown (docs/reproduction.md).

    python -m reproduction FOLDER

prints them.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.stats import norm

from plots.style import FEWEST_CORRELATED, standard_errors
from reproduction.closer import manipulation_table, rotation_table
from reproduction.findings import ROTATIONS, evaluated, of_original
from reproduction.load import ByKind, of_tasks
from reproduction.markdown import ends, mean_and_sd, span, table
from reproduction.measured import Networks, dms_measures, end_decoding, is_silent, passed
from reproduction.original import original_measures
from reproduction.plan import EARLY, NO_CHANGE, VARIED
from reproduction.published import (
    CORRELATION_OF_ORIGINAL,
    OF_ORIGINAL,
    ORIGINAL,
    SILENT_OF_ORIGINAL,
)
from reproduction.state import state_table
from reproduction.statistics import Difference, beside, compared_shares, detectable
from training.stopping import last_mean

HEADER = ('Finding', 'Paper', 'Original code', 'This project', '95 % interval', 'Networks', 'Test')
HEADER += ('Verdict',)


def training_table(by_kind: ByKind) -> str:
    """How the networks of each kind learned, and where they hold the sample."""
    rows = []
    for kind, networks in by_kind.items():
        columns = {
            'iterations': [len(n['accuracy']) for n in networks],
            'passed': [passed(n['accuracy']) for n in networks],
            'accuracy': [last_mean(n['accuracy']) for n in networks],
            'analysed': [n['task_accuracy'] for n in networks],
            'neuronal': [end_decoding(n, 'neuronal') for n in networks],
            'synaptic': [end_decoding(n, 'synaptic') for n in networks],
        }
        formats = ('.0f', '.0f', *['.3f'] * 4)
        cells = [span(v, f) for v, f in zip(columns.values(), formats, strict=True)]
        manipulated = [n.get('manipulation', np.nan) for n in networks]
        cells.append(span(manipulated, '.3f', standard_errors(networks, 'manipulation')))
        rows.append([kind, str(len(networks)), *cells])
    header = ['Networks', 'Number', 'Iterations', 'Passed .90 at', 'Accuracy, last 20 iterations']
    header += ['In the analysis', 'Decoding from activity', 'Decoding from synapses']
    header += ['Manipulation']
    return table(header, rows)


def _correlation_row(found: Sequence[Mapping], shuffled: str, original: float) -> list[str]:
    """Do networks with more delay activity rely on it more? With Fisher's test of two R."""
    name = 'decoding from activity, end of delay'
    row = [f'R of decoding from activity and accuracy, {shuffled} shuffled', f'{original:.2f}', '']
    if len(found) < FEWEST_CORRELATED:
        return [*row, '', '', '', '']
    pairs = [(m[name], m[f'accuracy, {shuffled} shuffled at test onset']) for m in found]
    ours = np.corrcoef(np.transpose(pairs))[0, 1]
    sd = np.hypot(*(1 / np.sqrt(n - 3) for n in (len(found), OF_ORIGINAL)))
    p_value = 2 * norm.sf(abs(np.arctanh(ours) - np.arctanh(original)) / sd)
    return [*row, f'{ours:.2f}', '', '', f'{p_value:.2g} (Fisher z)']


def dms_table(networks: Networks) -> str:
    """DMS networks beside the original's, with Welch's t test where both have a spread."""
    found, of_three = [dms_measures(network) for network in networks], original_measures()
    rows, p_values = [], []
    for name, (mean, sd) in ORIGINAL.items():
        values = np.array([measured.get(name, np.nan) for measured in found])
        values = values[np.isfinite(values)]
        compared = beside(values, mean, sd, OF_ORIGINAL)
        if compared is not None and sd is not None:
            p_values.append(compared.p_value)
        originals = of_original(name), mean_and_sd(of_three[name])
        own = mean_and_sd(values), span(values)
        rows.append([name, *originals, *own, *_difference_cells(compared, sd is not None)])
    silent = sum(map(is_silent, networks))
    p_value = compared_shares(silent, len(networks), SILENT_OF_ORIGINAL, OF_ORIGINAL)
    ours, theirs = f'{silent} of {len(networks)}', f'{SILENT_OF_ORIGINAL} of {OF_ORIGINAL}'
    rows.append(['silent networks', theirs, '', ours, '', '', f'{p_value:.2g} (Fisher)'])
    rows += [_correlation_row(found, *original) for original in CORRELATION_OF_ORIGINAL.items()]
    header = ['DMS', f'Original code, {OF_ORIGINAL} networks']
    header += [f'{len(next(iter(of_three.values())))} of these, analysed here']
    header += [f'This project, {len(networks)} networks', 'Range']
    header += ['Difference, 95 % interval', "P (Welch's t)"]
    low = sum(p_value < 0.05 for p_value in p_values)
    words = f'{low} of {len(p_values)} t tests have P < .05.'
    return f'{table(header, rows)}\n\n{words} {_power(len(networks))}'


def _difference_cells(found: Difference | None, is_welch: bool) -> tuple[str, str]:
    """The interval of a difference from the original's networks, and its P."""
    if found is None:
        return '', ''
    words = '' if is_welch else ' (one-sample)'
    return ends(found.interval), f'{found.p_value:.2g}{words}'


def _power(num: int) -> str:
    """What so many networks can show beside the original's."""
    if num < 2:
        return ''
    seen = detectable(num, OF_ORIGINAL)
    words = f'With {num} networks beside {OF_ORIGINAL}, a difference of {seen:.2f} SD'
    return f'{words} is detected with a power of 80 % (P < .05, two-sided t test).'


def findings_table(by_task: Mapping[str, Networks]) -> str:
    """The findings of the paper and of its preprint that are about these networks."""
    return table(HEADER, [row for row in evaluated(by_task) if row.networks != '0'])


def print_tables(by_kind: ByKind) -> None:
    """Print all tables that these networks allow."""
    print(training_table(by_kind), end='\n\n')
    if networks := by_kind.get('DMS'):
        print(dms_table(networks), end='\n\n')
    for networks in filter(None, (of_tasks(by_kind, swept) for swept in VARIED)):
        print(findings_table(networks), end='\n\n')
        if any(task in networks for task in ROTATIONS):
            print(rotation_table(networks), end='\n\n')
    print(manipulation_table(*(of_tasks(by_kind, swept) for swept in (NO_CHANGE, EARLY))))
    print()
    print(state_table(by_kind))
