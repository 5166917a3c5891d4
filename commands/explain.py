"""What the settings are: `--settings` of model.py and analysis.py, and docs/settings.md.

    python -m commands.explain > docs/settings.md

makes that page.
"""

import shutil
import textwrap
from collections.abc import Iterable, Mapping

from parameters import ARRAYS, GROUPS, OWNED_BY_TASK, SETTINGS, own_name, settings_for
from settings import Setting, why_unknown
from settings.validators import shown
from tasks import TASKS

Groups = Mapping[str, Mapping[str, Setting]]  # by title and name

LEAST_WIDTH = 40  # characters of a line, also on a narrower terminal
ABOUT = """# Settings

`--set NAME=VALUE` of `model.py` takes the settings of this page, except those that only the task
decides; that of `run_all_models.py` also leaves `trial_type`, `seed` and `save_fn` to its other
arguments, and that of `analysis.py` is above all for the [options of the analysis](#analysis). What
you set wins over what a task suggests, and that over the default. Weights are (from, to).

Settings must also fit together. Among other things fixation, sample, delay and test last at least
one step of `dt`, a test lasts longer than `mask_duration`, no time constant is shorter than `dt`,
`variable_delay_max` is at most `delay_time`, and at least one unit is excitatory.

    python model.py --settings [NAME ...] [--task TASK] [--set NAME=VALUE]...
    python analysis.py --settings [NAME ...]

print the settings, or only those named, with their values for a task; the latter the options of the
analysis. `python -m commands.explain > docs/settings.md` makes this page.
"""


def groups_of(task: str) -> Groups:
    """All settings of a task, the arrays that may be given, and what the task decides."""
    known = settings_for(task)
    groups = {title: {name: known[name] for name in group} for title, group in GROUPS.items()}
    if own := {name: setting for name, setting in known.items() if name not in SETTINGS}:
        groups[f'Of {task} alone'] = own
    arrays = 'Arrays, from files that np.save wrote'
    return groups | {arrays: ARRAYS, 'Decided by the task alone': OWNED_BY_TASK}


def explanation(names: Iterable[str], p: Mapping, title: str | None = None) -> str:
    """Text for the terminal about settings with their values in `p`.

    The settings are those named; without names those of the group `title`, or all. Raises
    ValueError for an unknown name.
    """
    groups = groups_of(p['trial_type'])
    if names := [own_name(name) for name in names]:
        groups = _named(names, groups, p)
    elif title:
        groups = {title: groups[title]}
    not_given = dict.fromkeys(ARRAYS.keys() - {*p['given_arrays']})
    return as_text(groups, {**p, **not_given}, shutil.get_terminal_size().columns)


def _named(names: list[str], groups: Groups, p: Mapping) -> Groups:
    known = [name for group in groups.values() for name in group]
    for name in names:
        if name not in known:
            raise ValueError(why_unknown(name, known, p))
    found = {t: {n: s for n, s in group.items() if n in names} for t, group in groups.items()}
    return {title: group for title, group in found.items() if group}


def as_text(groups: Groups, values: Mapping, width: int) -> str:
    """The settings in groups, each with value, what is allowed and meaning, in lines of `width`."""
    width = max(width, LEAST_WIDTH)

    def wrapped(text: str, indent: int) -> str:
        lines = textwrap.wrap(text, width - indent, break_on_hyphens=False)
        return textwrap.indent('\n'.join(lines), indent * ' ')

    parts = []
    for title, group in groups.items():
        lines = [wrapped(title, 0)]
        for name, setting in group.items():
            lines.append(wrapped(f'{name} = {_value(values[name], setting.default)}', 2))
            lines.append(wrapped(f'allowed: {setting.check.allowed}', 6))
            if setting.meaning:
                lines.append(wrapped(setting.explanation, 6))
        parts.append('\n'.join(lines))
    return '\n\n'.join(parts)


def _value(value, default) -> str:
    """A value, and the default where it is another one."""
    if hasattr(value, 'shape'):
        return f'an array {value.shape}'
    is_usual = default is None or value == default
    return shown(value) if is_usual else f'{shown(value)} (default {shown(default)})'


def page() -> str:
    """The text of docs/settings.md, in Markdown."""
    lines = [ABOUT]
    for title, group in groups_of(SETTINGS['trial_type'].default).items():
        lines += [f'## {title}\n', '| Setting | Default | Allowed | Meaning |', '|---|---|---|---|']
        for name, setting in group.items():
            cells = _defaults(name, setting), setting.check.allowed, setting.explanation
            lines.append(f'| `{name}` | {" | ".join(cells)} |')
        lines.append('')
    return '\n'.join(lines)


def _defaults(name: str, setting: Setting) -> str:
    """The default of a setting, and what tasks suggest in its place."""
    if name in OWNED_BY_TASK:
        return ''
    by_value: dict[object, list[str]] = {setting.default: []}
    for task, about in TASKS.items():
        value = about.suggested.get(name, setting.default)
        if value != setting.default:
            by_value.setdefault(value, []).append(task)
    return '; '.join(
        f'`{shown(value)}`' + (f' in {", ".join(tasks)}' if tasks else '')
        for value, tasks in by_value.items()
    )


if __name__ == '__main__':
    print(page(), end='')
