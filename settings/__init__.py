"""What a setting is: a default, what is allowed, a meaning, and a unit.

The settings themselves stand in parameters.py, those of the analysis in settings/analysis.py, and
those of one task alone with the task.
"""

from settings.setting import Setting, checked, why_unknown

__all__ = ['Setting', 'checked', 'why_unknown']
