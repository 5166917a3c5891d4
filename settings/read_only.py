"""The dictionary that `par` is."""


class Parameters(dict):
    """All parameters by name, to be read: `update_parameters` alone changes them.

    A direct change would not update the parameters derived from it, so it raises TypeError. Arrays
    are read-only for the same reason. A copy, such as dict(par), is a dictionary like any other.
    """

    def __setitem__(self, name, value):
        raise TypeError(
            f'par[{name!r}] = ... would not update the parameters derived from it: '
            f'use update_parameters({{{name!r}: ...}})'
        )

    def _refuse(self, *args, **kwargs):
        raise TypeError(
            'par is changed by update_parameters({...}) and reset_parameters() alone, which also '
            'compute what follows'
        )

    __delitem__ = __ior__ = update = pop = popitem = clear = setdefault = _refuse

    def __reduce__(self):
        return dict, (dict(self),)  # copies and files hold plain dictionaries
