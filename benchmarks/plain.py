"""The plain way to train the network: the baseline that the fast code is timed against.

One training iteration of the delayed match-to-sample (DMS) task of Masse et al. (Nature
Neuroscience 2019) with the paper's default settings. It works as the original TensorFlow 1 code
does: the graph holds every time step of the trial, the whole batch goes through it at once,
TensorFlow differentiates it, and the stimulus is made trial by trial. It imports nothing from the
project, so that changes there cannot change the baseline.

    python benchmarks/plain.py [iterations]
"""

import argparse
import time

import numpy as np
import tensorflow as tf

DEFAULTS = {
    # Training
    'batch_size': 1024,  # trials
    'learning_rate': 0.02,
    'clip_max_grad_val': 0.1,  # largest gradient norm, for each variable
    'spike_cost': 0.02,  # weight of mean(h^2) in the loss
    'weight_cost': 0.0,  # weight of mean(relu(W)^2) in the loss
    # Network
    'n_hidden': 100,  # units; the even ones facilitate, the odd ones depress
    'n_output': 3,  # fixate, non-match, match
    'exc_inh_prop': 0.8,  # share of excitatory units, which come first
    'dt': 10,  # ms
    'membrane_time_constant': 100,  # ms
    'noise_rnn_sd': 0.5,
    'noise_in_sd': 0.1,
    'input_mean': 0.0,
    # Short-term plasticity
    'tau_fast': 200,  # ms
    'tau_slow': 1500,  # ms
    'U_stf': 0.15,  # utilisation at rest, facilitating
    'U_std': 0.45,  # utilisation at rest, depressing
    # Task
    'num_motion_tuned': 24,  # input units
    'num_motion_dirs': 8,
    'tuning_height': 4,
    'kappa': 2,  # concentration of the tuning curve
    'fix_time': 500,  # ms
    'sample_time': 500,  # ms
    'delay_time': 1000,  # ms
    'test_time': 500,  # ms
    'mask_duration': 50,  # ms without loss after the test onset
    'test_cost_multiplier': 1.0,  # weight of the test period in the loss
}
ADAM_BETA_1, ADAM_BETA_2, ADAM_EPSILON = 0.9, 0.999, 1e-8


def settings(**changes) -> dict:
    """Return the defaults with `changes` applied. Raises ValueError for an unknown name."""
    unknown = sorted(set(changes) - set(DEFAULTS))
    if unknown:
        raise ValueError(f'Unknown settings {unknown}; the known ones are {sorted(DEFAULTS)}.')
    return {**DEFAULTS, **changes}


def period_bounds(par: dict) -> list[int]:
    """Return the steps at which fixation, sample, delay and test end."""
    durations = [par[f'{period}_time'] for period in ('fix', 'sample', 'delay', 'test')]
    return [int(end) // par['dt'] for end in np.cumsum(durations)]


class PlainStimulus:
    """DMS trials, made one after the other in float64."""

    def __init__(self, seed: int | None = None, **changes):
        """`seed` is for the trials; `changes` are settings named as in DEFAULTS."""
        self.par = par = settings(**changes)
        self.rng = np.random.RandomState(seed)
        self.noise_sd = np.sqrt(2 * par['membrane_time_constant'] / par['dt']) * par['noise_in_sd']
        preferred = np.linspace(0, 2 * np.pi, par['num_motion_tuned'], endpoint=False)
        directions = np.linspace(0, 2 * np.pi, par['num_motion_dirs'], endpoint=False)
        similarity = np.cos(directions[:, None] - preferred)  # (direction, input unit)
        self.tuning = par['tuning_height'] * np.exp(par['kappa'] * (similarity - 1))

    def generate_trial(self) -> dict:
        """Return a batch of trials.

        neural_input (time, trial, input unit), desired_output (time, trial, output unit) and
        train_mask (time, trial) are float64; sample, test (direction numbers) and match (0 or 1)
        are int8, (trial,).
        """
        par, rng = self.par, self.rng
        fix_end, sample_end, delay_end, num_steps = period_bounds(par)
        mask_end = delay_end + par['mask_duration'] // par['dt']
        shape = (num_steps, par['batch_size'])
        neural_input = rng.normal(
            par['input_mean'], self.noise_sd, (*shape, par['num_motion_tuned'])
        )
        desired_output = np.zeros((*shape, par['n_output']))
        train_mask = np.ones(shape)
        sample, test, match = np.zeros((3, par['batch_size']), dtype=np.int8)

        for i in range(par['batch_size']):
            sample[i] = rng.randint(par['num_motion_dirs'])
            match[i] = rng.randint(2)
            rotation = 0 if match[i] else rng.randint(1, par['num_motion_dirs'])
            test[i] = (sample[i] + rotation) % par['num_motion_dirs']

            neural_input[fix_end:sample_end, i] += self.tuning[sample[i]]
            neural_input[delay_end:, i] += self.tuning[test[i]]
            desired_output[:delay_end, i, 0] = 1
            desired_output[delay_end:, i, 1 + match[i]] = 1
            train_mask[delay_end:, i] = par['test_cost_multiplier']
            train_mask[delay_end:mask_end, i] = 0

        return {
            'neural_input': np.maximum(0, neural_input),
            'desired_output': desired_output,
            'train_mask': train_mask,
            'sample': sample,
            'test': test,
            'match': match,
        }


def is_excitatory(par: dict) -> np.ndarray:
    """Return which units are excitatory, (unit,): the first exc_inh_prop of them."""
    return np.arange(par['n_hidden']) < round(par['n_hidden'] * par['exc_inh_prop'])


def initial_weights(par: dict, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return the initial trained variables; weights are (from, to) and gamma distributed."""
    n, exc = par['n_hidden'], is_excitatory(par)
    return {
        'h': np.full((1, n), 0.1),
        'w_in': rng.gamma(0.2, 1, (par['num_motion_tuned'], n)),
        'w_rnn': rng.gamma(np.where(exc[:, None] & exc, 0.1, 0.2), 1),
        'b_rnn': np.zeros((1, n)),
        'w_out': rng.gamma(0.1, 1, (n, par['n_output'])),
        'b_out': np.zeros((1, par['n_output'])),
    }


def weight_masks(par: dict) -> dict[str, np.ndarray]:
    """Return 0 for every weight that does not exist: self-connections and inhibitory outputs."""
    w_out_mask = np.tile(is_excitatory(par)[:, None], par['n_output'])
    return {'w_rnn': 1 - np.eye(par['n_hidden']), 'w_out': w_out_mask}


class PlainModel:
    """The excitatory-inhibitory network with plastic synapses, and its training by Adam."""

    def __init__(self, seed: int | None = None, **changes):
        """`seed` is for the initial weights; `changes` are settings named as in DEFAULTS.

        The noise of the units follows tf.random.set_seed.
        """
        self.par = par = settings(**changes)
        self._make_constants()
        self._make_variables(np.random.default_rng(seed))
        trials = (period_bounds(par)[-1], par['batch_size'])
        feed = ((*trials, par['num_motion_tuned']), (*trials, par['n_output']), trials)
        # With a fixed signature, a batch of another size is an error and not a second tracing.
        self._graph = tf.function(self._update, input_signature=[tf.TensorSpec(s) for s in feed])

    def _make_constants(self) -> None:
        par = self.par
        self.alpha = par['dt'] / par['membrane_time_constant']
        self.dt_sec = par['dt'] / 1000
        self.noise_sd = np.sqrt(2 * self.alpha) * par['noise_rnn_sd']
        facilitating = np.arange(par['n_hidden'])[None] % 2 == 0  # (1, unit)
        tau_x = np.where(facilitating, par['tau_fast'], par['tau_slow'])
        tau_u = np.where(facilitating, par['tau_slow'], par['tau_fast'])
        self.alpha_std = tf.constant(par['dt'] / tau_x, tf.float32)
        self.alpha_stf = tf.constant(par['dt'] / tau_u, tf.float32)
        self.U = tf.constant(np.where(facilitating, par['U_stf'], par['U_std']), tf.float32)
        self.EI_matrix = tf.constant(np.diag(np.where(is_excitatory(par), 1, -1)), tf.float32)

    def _make_variables(self, rng: np.random.Generator) -> None:
        self.weights, self.masks, self.adam_m, self.adam_v = {}, {}, {}, {}
        masks = weight_masks(self.par)
        for name, value in initial_weights(self.par, rng).items():
            mask = tf.constant(masks.get(name, np.ones_like(value)), tf.float32)
            self.masks[name] = mask
            self.weights[name] = tf.Variable(value * mask, dtype=tf.float32)
            self.adam_m[name] = tf.Variable(tf.zeros_like(mask))
            self.adam_v[name] = tf.Variable(tf.zeros_like(mask))
        self.num_updates = tf.Variable(0.0)

    def train_step(self, trial_info: dict) -> float:
        """Train on one batch of trials; return the loss before the update."""
        feed = (trial_info[name] for name in ('neural_input', 'desired_output', 'train_mask'))
        return float(self._graph(*(tf.constant(array, tf.float32) for array in feed)))

    def _update(self, neural_input, desired_output, train_mask) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = self._loss(neural_input, desired_output, train_mask)
        self._apply_adam(tape.gradient(loss, self.weights))
        return loss

    def _loss(self, neural_input, desired_output, train_mask) -> tf.Tensor:
        y, h, w_rnn = self._run(neural_input)
        cross_entropy = tf.nn.softmax_cross_entropy_with_logits(desired_output, y)
        perf_loss = tf.reduce_mean(train_mask * cross_entropy)
        spike_loss = tf.reduce_mean(tf.square(h))
        weight_loss = tf.reduce_mean(tf.square(tf.nn.relu(w_rnn)))
        par = self.par
        return perf_loss + par['spike_cost'] * spike_loss + par['weight_cost'] * weight_loss

    def _run(self, neural_input) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Return the logits (time, trial, output), the activity (time, trial, unit) and W."""
        w_in = tf.nn.relu(self.weights['w_in'])
        w_rnn = self.EI_matrix @ tf.nn.relu(self.weights['w_rnn'])
        w_out = tf.nn.relu(self.weights['w_out'])
        b_rnn, b_out = self.weights['b_rnn'].read_value(), self.weights['b_out'].read_value()

        shape = (self.par['batch_size'], self.par['n_hidden'])
        h = tf.broadcast_to(self.weights['h'], shape)
        x, u = tf.ones(shape), tf.broadcast_to(self.U, shape)
        h_all, y_all = [], []
        for step_input in tf.unstack(neural_input):
            h, x, u = self._cell(step_input @ w_in + b_rnn, w_rnn, h, x, u)
            h_all.append(h)
            y_all.append(h @ w_out + b_out)
        return tf.stack(y_all), tf.stack(h_all), w_rnn

    def _cell(self, drive, w_rnn, h, x, u) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Return h, x and u after one step, all (trial, unit).

        x' = clip(x + alpha_std (1 - x) - dt u x h)        available neurotransmitter
        u' = clip(u + alpha_stf (U - u) + dt U (1 - u) h)  utilisation
        h' = relu((1 - alpha) h + alpha (drive + (u' x' h) W) + noise)
        """
        new_x = clip_to_unit(x + self.alpha_std * (1 - x) - self.dt_sec * u * x * h)
        new_u = clip_to_unit(u + self.alpha_stf * (self.U - u) + self.dt_sec * self.U * (1 - u) * h)
        noise = tf.random.normal(h.shape, stddev=self.noise_sd)
        recurrent = (new_u * new_x * h) @ w_rnn
        new_h = tf.nn.relu((1 - self.alpha) * h + self.alpha * (drive + recurrent) + noise)
        return new_h, new_x, new_u

    def _apply_adam(self, gradients: dict[str, tf.Tensor]) -> None:
        """Mask and clip each variable's gradient, then take a step of Adam as first published."""
        t = self.num_updates.assign_add(1.0)
        rate = self.par['learning_rate'] * tf.sqrt(1 - ADAM_BETA_2**t) / (1 - ADAM_BETA_1**t)
        for name, weight in self.weights.items():
            g = gradients[name] * self.masks[name]
            g = tf.clip_by_norm(g, self.par['clip_max_grad_val'])
            m, v = self.adam_m[name], self.adam_v[name]
            m.assign(ADAM_BETA_1 * m + (1 - ADAM_BETA_1) * g)
            v.assign(ADAM_BETA_2 * v + (1 - ADAM_BETA_2) * tf.square(g))
            weight.assign_sub(rate * m / (tf.sqrt(v) + ADAM_EPSILON))


def clip_to_unit(value: tf.Tensor) -> tf.Tensor:
    """Clip to 0..1. A tie passes no gradient: tf.minimum gives it to its first argument."""
    return tf.minimum(1.0, tf.nn.relu(value))


def main() -> None:
    """Train for a few iterations; print the loss and the seconds of each."""
    parser = argparse.ArgumentParser(description='Train the plain DMS network and time it.')
    parser.add_argument('iterations', nargs='?', type=int, default=20)
    iterations = parser.parse_args().iterations
    if iterations < 1:
        parser.error(f'iterations is {iterations}; it must be 1 or more.')
    stimulus, model = PlainStimulus(), PlainModel()
    for i in range(iterations):
        start = time.perf_counter()
        trial_info = stimulus.generate_trial()
        stimulus_time = time.perf_counter() - start
        loss = model.train_step(trial_info)
        total_time = time.perf_counter() - start
        timing = f'{total_time:.2f} s, stimulus {stimulus_time:.2f} s'
        print(f'iteration {i}: loss {loss:.4f}, {timing}', flush=True)


if __name__ == '__main__':
    main()
