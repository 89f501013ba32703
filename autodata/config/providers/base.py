"""What all models' settings have in common, whoever the provider is, and what is asked of each.

A provider is a class of settings in a module here, the module that its `client` names, and a row
in `table`. Nothing else asks for a provider by its name: what others need to know of one is stated
by its class.
"""

import re
from collections.abc import Iterator
from ipaddress import ip_address
from typing import ClassVar, Literal, NamedTuple
from urllib.parse import urlsplit

from pydantic import Field

from autodata.config.roles import RoleConfig
from autodata.config.section import Amount, Count, Positive, Seconds, Section
from autodata.config.shaping import Extras, Shaped

_URL = re.compile(r"https?://([\w.-]+|\[[0-9A-Fa-f:]+\])(:\d+)?(/[^\s?#@]*)?")
_NUMBERS = re.compile(r"[\d.]+|.*:.*")


class Fault(NamedTuple):
    """A setting that cannot be meant: its name, what is wrong with it, and the fix."""

    field: str
    problem: str
    fix: str


class Price(Section):
    """Dollars per million tokens."""

    input: Amount = Field(0.0, description="of tokens sent; 0: they cost nothing")
    output: Amount = Field(0.0, description="of tokens generated; 0: they cost nothing")
    cached_input: Amount | None = Field(
        None, description="of tokens sent that the server's cache held; null: as `input`"
    )


class ModelConfig(Shaped):
    """One endpoint; each provider adds the settings that it knows."""

    client: ClassVar[str]
    """What asks a model of this provider, as `module:Class`; see `models.providers.registry`."""
    simulated: ClassVar[bool] = False
    """Its replies say nothing about real models."""
    paid: ClassVar[bool] = False
    """It costs dollars by the token."""
    counts_gpus: ClassVar[bool] = False
    """It is known which GPUs its servers keep busy."""
    tells_queue: ClassVar[bool] = False
    """Its servers say how many requests wait there."""
    takes_temperature: ClassVar[bool] = True
    reply_tokens: ClassVar[int] = 0
    """The longest reply where nothing sets one, of an API that wants a number."""

    provider: str = Field(description="who answers")
    model: str = Field("default", description="the model's name at the provider, or its folder")
    api_key_env: str = Field("", description="name of the environment variable with the key")
    api: Literal["chat", "completions"] = Field(
        "chat", description="`completions`: a solver gets raw prompts, if its domain has any"
    )
    structured: Literal["schema", "json", "none"] = Field(
        "schema", description="how JSON is asked for: as a schema, in JSON mode, in words alone"
    )
    concurrency: Positive = Field(32, description="most calls in flight")
    connect_s: Seconds = Field(10.0, description="deadline of the connection")
    first_token_s: Amount = Field(
        0.0, description="deadline of the first token, which streams; 0: the whole reply's"
    )
    total_s: Seconds = Field(600.0, description="deadline of the whole reply")
    max_tokens: Count = Field(
        0, description="longest reply, thinking included, where a role sets none; 0: provider's"
    )
    price: Price | None = Field(
        None, description="dollars per million tokens; null: from the table that is shipped"
    )

    @property
    def named(self) -> bool:
        """Whether it is said which model is meant."""
        return bool(self.model != ModelConfig.model_fields["model"].default)

    @property
    def must_be_named(self) -> bool:
        """Whether nobody knows which model is meant without its name."""
        return False

    @property
    def urls(self) -> list[str]:
        """The addresses where it is asked; one that is empty where that is the provider's affair.

        A server that autodata starts has another one each time.
        """
        return [""]

    @property
    def served(self) -> bool:
        """Whether autodata starts a server for it."""
        return False

    @property
    def weights(self) -> str:
        """The name of weights that autodata itself fetches before they are served, if it does."""
        return ""

    def faults(self, name: str) -> Iterator[Fault]:
        """Find what its settings cannot mean together; `name` is its own under `models`."""
        if self.must_be_named and not self.named:
            yield Fault("model", " is missing", f"add models.{name}.model")

    def faults_with(self, role: RoleConfig) -> Iterator[Fault]:
        """Find what a role's settings cannot mean for this model, or its own cannot for the role.

        Where a fix names the settings of the role or the model it says `{role}` or `{model}`.
        """
        yield from ()


class RemoteConfig(Extras, ModelConfig):
    """A model behind an API at an address."""

    base_url: str | list[str] = Field(
        "", description="one address, or several replicas; empty: the provider's own"
    )
    api_begins: ClassVar[str] = "/v1"
    """What an address ends with that clients of this provider take."""

    @property
    def urls(self) -> list[str]:
        """The addresses in `base_url`; one that is empty when there is none."""
        return [self.base_url] if isinstance(self.base_url, str) else self.base_url

    def faults(self, name: str) -> Iterator[Fault]:
        """Find addresses that are none."""
        if self.base_url and not all(map(_is_address, self.urls)):
            fix = "write it like http://host:8000/v1; a key goes into the environment variable that"
            yield Fault("base_url", " is no address of a server", f"{fix} api_key_env names")
        yield from super().faults(name)


class ServedConfig(RemoteConfig):
    """A model that autodata starts a server for, unless it has an address already."""

    server: ClassVar[str]
    """The module that knows how to start it; see `models.serving.servers`."""
    tells_queue: ClassVar[bool] = True

    @property
    def served(self) -> bool:
        """Whether autodata starts a server for it."""
        return not self.base_url

    @property
    def must_be_named(self) -> bool:
        """Whether nobody knows which model is meant without its name."""
        return True


def _is_address(url: str) -> bool:
    """Say whether a URL is protocol, host, port and path, and nothing else."""
    if not _URL.fullmatch(url):
        return False
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        return (parts.port is None or parts.port > 0) and (
            not _NUMBERS.fullmatch(host) or bool(ip_address(host))
        )
    except ValueError:  # a port too high, or numbers that are no address
        return False
