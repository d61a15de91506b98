"""Defines the errors that a user can mend. Each message is one line per fault: what, where, how to mend it."""

import re

# Scheme, perhaps a user and a password (with any character but a blank or, in the first part, a slash), host and path.
_SECRET = re.compile(
    r"(?<![\w+.-])((?!sqlite:|file:)[A-Za-z][\w+.-]*://)(?:[^@\s/]*:[^@/]*@)?(?:\S*@)?([^\s?#]*)(?:[?#]\S*)?"
)


class PlumeError(Exception):
    """Base of the errors that the command line prints without a traceback."""

    exit_code = 1


class InputError(PlumeError):
    """The input or the config is wrong (exit code 2)."""

    exit_code = 2


class EnvironmentMissing(PlumeError):  # noqa: N818 - names a state of the machine, not a fault of the input
    """The machine lacks something that the command needs (exit code 3)."""

    exit_code = 3


class StoreAway(InputError):  # noqa: N818 - names a state of the store
    """The MLflow store did not answer as it should; `why` is what it said."""

    def __init__(self, uri: str, why: str) -> None:
        super().__init__(
            f"MLflow store {without_secrets(uri)}: does not answer as it should ({why}); once it does, run the command "
            "again, or set MLFLOW_TRACKING_URI to another store"
        )
        self.why = why


def without_secrets(text: str) -> str:
    """Remove user, password and query from each address in a text: what is left may be told and kept."""
    return _SECRET.sub(r"\1\2", text)


def briefly(error: Exception) -> str:
    """Say an error in plume's own words, or by its type and what it says."""
    return str(error) if isinstance(error, PlumeError) else f"{type(error).__name__}: {error}"


def first_line(error: Exception) -> str:
    """Quote the first line of what an error says, without secrets; the name of its type if it says nothing."""
    said = str(error.why if isinstance(error, StoreAway) else error).strip()
    return without_secrets(said.splitlines()[0])[:200] if said else type(error).__name__
