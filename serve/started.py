"""Keeps what a server was started with, `serve.json`: the guard and the commands of ops read it."""

from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from plume.errors import InputError
from plume.models import Base
from serve import state as files
from serve.config import ServeConfig
from serve.state import State


class Started(BaseModel):
    """Holds the config of a server, and what was resolved with it."""

    model_config = ConfigDict(frozen=True)

    config: ServeConfig
    base: Base
    stop_token_id: int
    dtype: str
    max_model_len: int

    @classmethod
    def read(cls, state: State) -> Self:
        """Read serve.json. Raises InputError if there is none, or it is not understood."""
        found = files.read(state.serve)
        if found is None:
            raise InputError(f"{state.serve}: is not there; start the server with `plume serve` first")
        try:
            return cls.model_validate(found)
        except ValidationError as error:
            where = ".".join(map(str, error.errors()[0]["loc"])) or "it"
            raise InputError(
                f"{state.serve}: not understood ({where}: {error.errors()[0]['msg']}); start the server again, "
                "which writes it anew"
            ) from None

    def write(self, state: State) -> None:
        """Write serve.json. Raises InputError if the disk refuses."""
        files.write(state.serve, self.model_dump(mode="json"))
