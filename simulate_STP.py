"""One synapse with short-term plasticity, and its response to spikes (paper, Fig. 1B and Methods).

    python simulate_STP.py [std|stf|both] [--rate HZ ...] [--out FILE]

draws how a depressing (std) and a facilitating (stf) synapse respond to a short train of
presynaptic spikes. Available neurotransmitter x and utilisation u follow the equations of the
network (`Model.rnn_cell`), with single spikes in place of a firing rate:

    dx/dt = (1 - x) / tau_x - u x spikes
    du/dt = (U - u) / tau_u + U (1 - u) spikes

A spike releases u x, so x u is the synapse's efficacy. Time constants and U are those in `par`,
or in other parameters `p` that a function is given.
"""

if __name__ == '__main__':
    # matplotlib cannot be imported where MPLBACKEND is misspelt
    from commands.running import require_matplotlib

    require_matplotlib()

import argparse
import io
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from commands.arguments import a_path, command_parser, fail
from commands.running import command
from parameters import par
from plots.figure import FORMATS, figure, panels, save
from plots.style import COLORS, STYLE

SYNAPSES = {'std': 'Depressing', 'stf': 'Facilitating'}
WIDTH, HEIGHT = 60, 80  # mm, of a column of panels


class Response(NamedTuple):
    """A synapse's response to spikes; all arrays are (time,).

    time: ms. spikes: 1 where a spike arrives, else 0. x, u: available neurotransmitter and
    utilisation after the step, so a spike's jump shows at the time of the spike. efficacy: x u / U,
    which is 1 at rest. figure: the drawing, if there is one; a notebook shows it.
    """

    time: np.ndarray
    spikes: np.ndarray
    x: np.ndarray
    u: np.ndarray
    efficacy: np.ndarray
    figure: Figure | None = None

    @matplotlib.rc_context(STYLE)
    def _repr_png_(self) -> bytes | None:
        if self.figure is None:
            return None
        picture = io.BytesIO()
        self.figure.savefig(picture, format='png', dpi=150)
        return picture.getvalue()


def create_stp_constants(
    synapse_type: str = 'std', delta_t: float = 1, p: Mapping | None = None
) -> tuple:
    """Return (alpha_std, alpha_stf, U) of a synapse: delta_t / tau_x, delta_t / tau_u, and U.

    delta_t is the time step in ms. A depressing synapse ('std') recovers its neurotransmitter
    slowly, a facilitating one ('stf') loses its utilisation slowly (paper, Methods). Raises
    ValueError for another type or step.
    """
    if synapse_type not in SYNAPSES:
        allowed = ' or '.join(SYNAPSES)
        raise ValueError(f'synapse_type = {synapse_type!r} is not allowed: it must be {allowed}')
    p = par if p is None else p
    if not 0 < delta_t <= p['tau_fast']:
        limit = f'above 0 and at most tau_fast = {p["tau_fast"]} ms'
        raise ValueError(f'time step {delta_t!r} is not allowed: it must be {limit}')
    fast, slow = delta_t / p['tau_fast'], delta_t / p['tau_slow']
    return (slow, fast, p['U_std']) if synapse_type == 'std' else (fast, slow, p['U_stf'])


def run_sim_step(x, u, alpha_std, alpha_stf, U, spike) -> tuple:
    """Return (x, u) after one time step, in which a spike arrives (1) or not (0).

        x' = clip(x + alpha_std (1 - x) - u x spike)
        u' = clip(u + alpha_stf (U - u) + U (1 - u) spike)

    Both follow the old x and u, and stay in [0, 1]. Numbers or arrays of one shape.
    """
    new_x = x + alpha_std * (1 - x) - u * x * spike
    new_u = u + alpha_stf * (U - u) + U * (1 - u) * spike
    return np.clip(new_x, 0, 1), np.clip(new_u, 0, 1)


def spike_train(
    time: np.ndarray, rate: float, onset: float | Sequence[float], length: float
) -> np.ndarray:
    """Return 1 at the times (ms) of regular spikes and 0 elsewhere, (time,).

    A train starts at each onset and has a spike every 1000 / rate ms, the last one at most `length`
    ms after the first. Raises ValueError where spikes share a time step or do not fit the time.
    """
    step, end = time[1] - time[0], time[-1]
    if not 0 < rate <= 1000 / step:
        limit = f'above 0 and at most {1000 / step:g} Hz, one spike per time step'
        raise ValueError(f'rate = {rate!r} is not allowed: it must be {limit}')
    onsets = np.atleast_1d(np.asarray(onset, float))[:, np.newaxis]
    if not (length >= 0 and np.all(onsets >= 0) and np.all(onsets + length <= end)):
        raise ValueError(
            f'onset = {onset!r} and length = {length!r} are not allowed: the spikes must lie '
            f'between 0 and {end:g} ms'
        )
    # a spike that should fall on the end must not be lost to rounding
    num_spikes = int(length * rate / 1000 + 1e-9) + 1
    times = onsets + np.arange(num_spikes) * (1000 / rate)
    spikes = np.zeros(len(time))
    spikes[np.rint(times / step).astype(int)] = 1
    if spikes.sum() < times.size:
        raise ValueError(f'onset = {onset!r} is not allowed: spikes of several trains coincide')
    return spikes


def simulate(
    synapse_type: str = 'std',
    rate: float = 50,
    onset: float | Sequence[float] = 500,
    length: float = 80,
    duration: float = 2500,
    delta_t: float = 0.05,
    p: Mapping | None = None,
) -> Response:
    """Return the response of a synapse that starts at rest, without a drawing.

    `rate` is in Hz; `length`, `duration`, the time step delta_t and `onset`, one number or one for
    each train, are in ms. Raises ValueError for what is not possible.
    """
    alpha_std, alpha_stf, U = create_stp_constants(synapse_type, delta_t, p)
    if not 2 * delta_t <= duration < np.inf:
        raise ValueError(f'duration = {duration!r} is not allowed: it must be two steps or more')
    time = np.arange(round(duration / delta_t)) * float(delta_t)
    spikes = spike_train(time, rate, onset, length)
    x, u = np.empty_like(time), np.empty_like(time)
    state = 1.0, U
    for i, spike in enumerate(spikes):
        state = x[i], u[i] = run_sim_step(*state, alpha_std, alpha_stf, U, spike)
    return Response(time, spikes, x, u, x * u / U)


def run_simulation(
    synapse_type: str = 'std', rate: float = 50, *args, axes=None, **options
) -> Response:
    """Return the response of a synapse to spikes, and draw it into its `figure`.

    The arguments and errors are those of `simulate`. `axes`: three axes to draw on, such as a
    column of `response_axes`; a new figure without them.
    """
    response = simulate(synapse_type, rate, *args, **options)
    if axes is None:
        axes = response_axes(1)[:, 0]
    title = f'{SYNAPSES[synapse_type]} synapse, {rate:g} Hz'
    return response._replace(figure=draw_response(response, axes, title))


@matplotlib.rc_context(STYLE)
def response_axes(num_columns: int) -> np.ndarray:
    """Return the axes (3, column) of a new figure, a column for each response to draw."""
    shared = {'sharex': True, 'sharey': 'row', 'height_ratios': (1, 3, 3)}
    return panels(None, 3, num_columns, num_columns * WIDTH, HEIGHT / 3, **shared)


@matplotlib.rc_context(STYLE)
def draw_response(response: Response, axes: Sequence, title: str = '') -> Figure:
    """Draw the spikes, x and u, and the efficacy x u / U on three axes; return their figure."""
    spikes, state, efficacy = axes
    spikes.vlines(response.time[response.spikes > 0], 0, 1, color=COLORS['all'], linewidth=0.6)
    spikes.set(title=title, ylabel='Spikes', ylim=(0, 1), yticks=[])
    state.plot(response.time, response.x, color=COLORS['x'], label='$x$, available')
    state.plot(response.time, response.u, color=COLORS['u'], label='$u$, utilisation')
    state.set(ylabel='$x$, $u$', ylim=(-0.03, 1.03))
    state.legend(loc='lower right', bbox_to_anchor=(1, 0.98), ncols=2)
    efficacy.axhline(1, color=COLORS['chance'], linestyle=':')
    efficacy.plot(response.time, response.efficacy, color=COLORS['synaptic'])
    # the panels of a row share their limits: a later column may need more room, never less
    top = max(efficacy.get_ylim()[1], 1.05 * response.efficacy.max())
    efficacy.set(ylabel='Efficacy, $x u / U$', xlabel='Time (ms)', ylim=(0, top))
    efficacy.set_xlim(response.time[0], response.time[-1])
    return spikes.figure


def draw_responses(types: Sequence[str], rates: Sequence[float]) -> Figure:
    """Draw the response of each synapse to each rate (Hz), side by side; return the figure."""
    requests = [(synapse_type, rate) for synapse_type in types for rate in rates]
    axes = response_axes(len(requests))
    for request, column in zip(requests, axes.T, strict=True):
        run_simulation(*request, axes=column)
    return axes[0, 0].figure


@figure(name='synapses', per_task=False, analyzed=False, is_general=True)
def synapse_responses(networks: Sequence[Mapping], p: Mapping | None, axes=None) -> Figure:
    """How a depressing and a facilitating synapse respond to a burst of spikes (paper, Fig. 1B).

    The synapses are those of the first network, or the default ones; 3 x 2 axes.
    """
    axes = panels(
        axes, 3, 2, height=32, sharex='col', sharey='row', gridspec_kw={'height_ratios': (1, 4, 4)}
    )
    for kind, column in zip(SYNAPSES, axes.T, strict=True):
        run_simulation(kind, axes=column, p=p)
    return axes[0, 0].figure


def parser() -> argparse.ArgumentParser:
    """The arguments of simulate_STP.py."""
    p = command_parser(
        'simulate_STP.py',
        'Draw how synapses respond to spikes.',
        'python simulate_STP.py',
        'python simulate_STP.py stf --rate 10 20 50 --out facilitating.pdf',
    )
    kinds = 'std: a depressing synapse, stf: a facilitating one, both (the default)'
    p.add_argument('synapse', nargs='?', default='both', choices=[*SYNAPSES, 'both'], help=kinds)
    p.add_argument('--rate', nargs='+', type=float, default=[50.0], metavar='HZ', help='default 50')
    p.add_argument(
        '--out', type=a_path, default='simulate_STP.png', help='picture (default simulate_STP.png)'
    )
    return p


@command
def run(arguments: list[str] | None = None) -> int:
    """Do what the command line says; return the exit status (2 for a wrong request)."""
    args = parser().parse_args(arguments)
    types = list(SYNAPSES) if args.synapse == 'both' else [args.synapse]
    try:
        check_format(args.out)
        save(draw_responses(types, args.rate), args.out)
    except (ValueError, OSError) as error:
        return fail(error, 2)
    print(args.out)
    return 0


def check_format(filename: Path) -> None:
    """Raise ValueError if the suffix of the file names no format of a picture."""
    if filename.suffix[1:] not in FORMATS:
        allowed = ' or '.join(f'.{name}' for name in FORMATS)
        raise ValueError(f'--out {filename} is not allowed: it must end in {allowed}')


if __name__ == '__main__':
    sys.exit(run())
