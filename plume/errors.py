"""Errors that a user can mend. Each message is one line per fault: what, where, how to mend it."""


class PlumeError(Exception):
    """Base of the errors that the command line prints without a traceback."""

    exit_code = 1


class InputError(PlumeError):
    """The input or the config is wrong (exit code 2)."""

    exit_code = 2


class EnvironmentMissing(PlumeError):  # noqa: N818 - names a state of the machine, not a fault of the input
    """The machine lacks something that the command needs (exit code 3)."""

    exit_code = 3
