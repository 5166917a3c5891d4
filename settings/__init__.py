"""What a setting is: a default, what is allowed, and a meaning; lists of settings.

The settings themselves stand in parameters.py, those of one task alone with the task.
"""

from settings.setting import Setting, checked, nearest, why_unknown

__all__ = ['Setting', 'checked', 'nearest', 'why_unknown']
