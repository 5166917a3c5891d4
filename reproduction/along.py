"""Networks partway through their training: what changes after a task is learned.

    python -m reproduction.along FOLDER

prints, as Markdown, measures of analysed networks of tasks with several tests, such as those in
networks/along, by the number of iterations.
"""

if __name__ == '__main__':
    # matplotlib cannot be imported where MPLBACKEND is misspelt
    from commands.running import require_matplotlib

    require_matplotlib()

import argparse
import sys
from collections.abc import Mapping

import numpy as np

from commands.arguments import fail
from commands.running import command
from measures.network import parameters_of
from measures.sampling import SUFFIX
from plots.tasks import SEQUENCES
from reproduction.load import folder_parser, load_folder
from reproduction.markdown import number, table
from reproduction.measured import end_decoding, measure, similarity
from results import ResultsError

HEADER = ('Task', 'Iterations', 'Accuracy', 'Similarity, test 2', 'inh. fac. silenced')
HEADER += ('Decoding from activity', 'Manipulation')


def along_table(networks: list[Mapping]) -> str:
    """A row for each network, by task and iterations; similarity with its standard error."""
    ordered = sorted(networks, key=lambda n: (n['parameters']['trial_type'], len(n['accuracy'])))
    return table(HEADER, map(_row, ordered))


def _row(network: Mapping) -> list[str]:
    test_2 = parameters_of(network)['test_time_rng'][1]
    errors = measure(network, f'synaptic_similarity{SUFFIX}')[0, 0]
    error = np.mean(errors[test_2.start : test_2.stop])
    values = network['task_accuracy'], similarity(network), similarity(network, 'inh_fac')
    values += end_decoding(network, 'neuronal'), measure(network, 'manipulation')
    cells = [number(value, '.3f') for value in values]
    cells[1] += f' ± {number(error, ".3f")}'
    return [network['parameters']['trial_type'], str(len(network['accuracy'])), *cells]


def parser() -> argparse.ArgumentParser:
    """The arguments of python -m reproduction.along."""
    return folder_parser(
        'python -m reproduction.along',
        'Compare networks partway through their training.',
        'python -m reproduction.along networks/along',
        'python -m reproduction.along networks/averaged',
    )


@command
def main(arguments: list[str] | None = None) -> int:
    """Print the table; return the exit status, 2 for a wrong request."""
    args = parser().parse_args(arguments)
    try:
        every = [n for networks in load_folder(args.folder).values() for n in networks]
        networks = [n for n in every if SEQUENCES.include(parameters_of(n))]
        if not networks:
            raise ResultsError(f'{args.folder} holds no networks of {SEQUENCES.about}')
        print(along_table(networks))
    except (ValueError, OSError) as error:
        return fail(error, 2)
    return 0


if __name__ == '__main__':
    sys.exit(main())
