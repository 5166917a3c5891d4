"""`--settings` of the commands, the page that is made of the same, and the examples of `--help`."""

import shlex
import subprocess

import pytest
from shell import OWN_TASK, ROOT, command_line, ended, fatal_tensorflow, write_own_task

import analysis
import figures
import report
import run_all_models
import simulate_STP
from commands import analysis as analysis_command
from commands import explain, train
from parameters import ANALYSIS, ARRAYS, GROUPS, OWNED_BY_TASK, SETTINGS
from reproduction import __main__ as reproduction
from reproduction import along, original, whole
from sets import compact

PARSERS = {
    'python model.py': train.parser,
    'python analysis.py': analysis_command.parser,
    'python figures.py': figures.parser,
    'python report.py': report.parser,
    'python run_all_models.py': run_all_models.parser,
    'python simulate_STP.py': simulate_STP.parser,
    'python -m reproduction': reproduction.parser,
    'python -m reproduction.along': along.parser,
    'python -m reproduction.original': original.parser,
    'python -m reproduction.whole': whole.parser,
    'python -m sets.compact': compact.parser,
}


@pytest.fixture
def explained(capsys):
    """What a command prints of the settings: their names with values, allowed and meaning."""

    def run(main, *arguments) -> dict[str, list[str]]:
        with pytest.raises(SystemExit) as end:
            main(['--settings', *map(str, arguments)])
        out, err = capsys.readouterr()
        assert (end.value.code, err) == (0, '')
        return blocks(out)

    return run


def blocks(text: str) -> dict[str, list[str]]:
    """The value and the lines of each setting by name, and the titles of groups."""
    found = {}
    for line in text.splitlines():
        name, _, value = line.strip().partition(' = ')
        if line.startswith(6 * ' '):
            list(found.values())[-1].append(line.strip())
        elif line:
            found[name] = [value]
    return found


def test_every_setting_has_a_meaning():
    everything = SETTINGS | ARRAYS | OWNED_BY_TASK
    assert [name for name, setting in everything.items() if not setting.meaning] == []
    assert sum(map(len, GROUPS.values())) == len(SETTINGS)


def test_the_page_is_up_to_date():
    text = (ROOT / 'docs' / 'settings.md').read_text('utf-8')
    assert text == explain.page(), 'python -m commands.explain > docs/settings.md'


def test_all_settings_are_explained_for_a_task(explained):
    found = explained(train.request, '--task=ABBA', '--set=dt=20', '--seed=4')
    titles = [name for name, lines in found.items() if lines == ['']]
    assert titles[: len(GROUPS)] == list(GROUPS)
    assert found.keys() - {*titles} == {*SETTINGS, *ARRAYS, *OWNED_BY_TASK}
    values = {name: lines[0] for name, lines in found.items()}
    assert values['dt'] == '20 (default 10)'
    assert values['ABBA_delay'] == '400 (default 0)'
    assert (values['seed'], values['n_hidden'], values['w_rnn0']) == ('4', '100', 'None')
    assert found['tau_fast'] == [
        '200',
        'allowed: a finite number > 0',
        'time constant of x in facilitating, of u in depressing synapses (ms)',
    ]
    assert found['rotation_match'][:2] == ['0', 'allowed: only what the task decides']


def test_a_seed_that_is_drawn_is_none(explained):
    assert explained(train.request, 'seed')['seed'][0] == 'None'


def test_named_settings_alone_are_explained(explained):
    names = ['trial_type', 'savedir', '--settings', 'decode_rule', '--task=DMS']
    found = explained(train.request, *names)
    assert list(found) == ['Files', 'save_dir', 'Task', 'trial_type', 'Analysis', 'decode_rule']


def test_options_of_the_analysis_are_explained(explained):
    """With a network for its task, without one for the general one."""
    assert list(explained(analysis.main)) == ['Analysis', *ANALYSIS]
    network = ROOT / 'networks' / 'averaged' / 'ABBA-run-0.pkl'
    found = explained(analysis.main, '--set=decoding_reps=7', '--', network)
    assert found['tuning_batches'][0] == '32 (default 8)'
    assert found['decoding_reps'][0] == '7 (default 100)'


def test_settings_of_an_own_task_are_explained(explained, tmp_path):
    file = write_own_task(tmp_path)
    limit = 'allowed: an integer of at least 1, below 2**31'
    found = explained(train.request, f'--task={file}', '--set=num_reports=3')
    assert found['num_reports'] == ['3 (default 1)', limit]
    assert 'report' in ' '.join(found['trial_type'])
    setting = "(1, count(1), 'answers of a trial', 'ms')"
    file.write_text(OWN_TASK.replace('(1, count(1))', setting))
    for main in (train.request, analysis.main):
        found = explained(main, 'num_reports', f'--task={file}', '--set=num_reports=3')
        assert found == {
            'Of report alone': [''],
            'num_reports': ['3 (default 1)', limit, 'answers of a trial (ms)'],
        }


@pytest.mark.parametrize('width', [40, 80, 200])
def test_lines_fit_the_terminal(explained, monkeypatch, capsys, width):
    monkeypatch.setenv('COLUMNS', str(width))
    with pytest.raises(SystemExit):
        train.request(['--settings', f'--set=save_dir={70 * "a"}'])
    longest = max(map(len, capsys.readouterr().out.splitlines()))
    assert width - 25 < longest <= width


def test_a_reader_may_leave_and_tensorflow_is_not_imported(tmp_path):
    env = fatal_tensorflow(tmp_path)
    words = command_line('model.py', ['--settings'], {})
    pipes = {'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE}
    with ended(words, cwd=tmp_path, env=env, **pipes) as process:
        assert process.stdout.readline() == 'Files\n'
        process.stdout.close()
        assert (process.wait(), process.stderr.read()) == (0, '')
    words = command_line('analysis.py', ['--settings'], {})
    done = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert (done.returncode, done.stdout[:9], done.stderr) == (0, 'Analysis\n', '')


@pytest.mark.parametrize('command', PARSERS)
def test_help_has_examples_that_are_right(command):
    parser = PARSERS[command]()
    title, *examples = parser.epilog.splitlines()
    assert (title, len(examples)) == ('examples:', 2)
    for example in examples:
        assert example.startswith(f'  {command}')
        assert len(example) <= 80
        parser.parse_args(shlex.split(example.strip().removeprefix(command)))


@pytest.mark.parametrize('command', PARSERS)
def test_help_names_where_settings_are_explained(command):
    shown = PARSERS[command]().format_help()
    by = 'analysis.py' if 'analysis' in command else 'model.py'
    explained = f'python {by} --settings explains them' in ' '.join(shown.split())
    assert ('--set NAME=VALUE' in shown) == explained
