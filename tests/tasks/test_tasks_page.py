"""docs/tasks.md: its table says when things happen in the trials of each task.

python tests/tasks/test_tasks_page.py prints the table.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from parameters import parameters_with  # noqa: E402
from tasks import TASKS  # noqa: E402

HEADER = (
    'Task',
    'Sample',
    'Tests',
    'Cues',
    'Others',
    'End',
    'Inputs: direction, fixation, rule',
    'Outputs',
)


def table() -> str:
    """Times in ms from the start of a trial, with the default settings."""
    rows = [HEADER, ['---'] * len(HEADER), *map(row, TASKS)]
    return ''.join(f'| {" | ".join(cells)} |\n' for cells in rows)


def row(task: str) -> list[str]:
    p = parameters_with({'trial_type': task})

    def times(*ranges: range) -> str:
        dt = p['dt']
        return ', '.join(f'{steps.start * dt} to {steps.stop * dt}' for steps in ranges)

    cues = p['rule_time_rng'] if p['num_rules'] > 1 else []
    others = ', '.join(f'{name} {times(steps)}' for name, steps in p['other_time_rng'].items())
    return [
        f'`{task}`',
        times(p['sample_time_rng']),
        times(*p['test_time_rng']),
        times(*cues),
        others,
        str(p['trial_length']),
        ', '.join(str(p[f'num_{kind}_tuned']) for kind in ('motion', 'fix', 'rule')),
        str(p['n_output']),
    ]


def test_the_page_has_the_times_of_all_tasks():
    text = (ROOT / 'docs' / 'tasks.md').read_text('utf-8')
    assert table() in text, 'python tests/tasks/test_tasks_page.py prints the table'


if __name__ == '__main__':
    print(table())
