"""`configs/serve/*.yaml`, typed."""

from ipaddress import IPv4Address
from typing import Literal

from pydantic import Field, field_validator

from plume.config import Config


class ServeConfig(Config):
    """What is served, where, and with how much of the machine."""

    version: str = Field("champion", description="alias or number of a version of plume-reply")
    host: IPv4Address = Field(IPv4Address("127.0.0.1"), description="a loopback address")
    port: int = Field(8300, ge=1, le=65535)
    max_model_len: int | None = Field(
        None, ge=16, description="tokens of prompt and draft together; by default 4096 on a GPU, 2048 on a CPU"
    )
    max_new_tokens: int = Field(320, ge=1, description="tokens of a draft, at most")
    dtype: Literal["bfloat16", "float16", "float32"] | None = Field(
        None, description="by default bfloat16 on a GPU, float32 on a CPU, as in evaluation"
    )
    gpu_memory_utilization: float = Field(0.9, gt=0, lt=1, description="share of the GPU's memory that vLLM takes")
    cpu_kv_cache_gib: int = Field(2, ge=1, description="memory for the attention cache where there is no GPU")
    max_queued_requests: int = Field(256, ge=1, description="more than this waiting: refused at once (503)")
    startup_timeout: int = Field(600, ge=1, description="seconds")
    drain_timeout: int = Field(30, ge=0, description="seconds that running requests get to finish at a stop")
    tracking_uri: str | None = Field(None, description="MLflow store; by default $MLFLOW_TRACKING_URI")

    @field_validator("version", mode="before")
    @classmethod
    def _number_or_alias(cls, value: object) -> object:
        return str(value) if isinstance(value, int) else value  # version=3 is read as a number

    @field_validator("host")
    @classmethod
    def _loopback(cls, value: IPv4Address) -> IPv4Address:
        if not value.is_loopback:
            raise ValueError("must be a loopback address: the engine asks nobody for a key")
        return value

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"
