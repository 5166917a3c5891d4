"""Learning curves as TensorBoard events: `tensorboard --logdir savedir/<name>/logs`."""

from collections.abc import Mapping
from pathlib import Path

from logs.writer import Writer
from results import VALUES
from rnn.device import quiet


class TensorBoardWriter(Writer):
    """Writes events, in place of those of earlier runs."""

    title = 'TensorBoard'
    package = 'tensorboard'

    @property
    def place(self) -> Path:
        """The folder of the events."""
        return self.network.folder / self.network.name

    def open(self) -> None:
        """Remove earlier events."""
        with quiet():
            import tensorflow as tf
        for earlier in self.place.glob('events.out.tfevents.*'):
            earlier.unlink()
        self.events = tf.summary.create_file_writer(str(self.place))

    def write(self, curves: Mapping[str, list], start: int) -> None:
        """Write the iterations from `start` on."""
        import tensorflow as tf

        with self.events.as_default():
            for step in curves['iteration'][start:]:
                for name in VALUES:
                    tf.summary.scalar(name, curves[name][step], step=step)
        self.events.flush()

    def close(self) -> None:
        """Close the file."""
        self.events.close()
