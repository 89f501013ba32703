"""vLLM: on this machine's GPUs, served by autodata, or wherever its servers are."""

import re
from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from autodata.config.providers.base import Fault, ServedConfig
from autodata.config.section import Amount, Positive, TextOrNumber
from autodata.config.shaping import Sampling

_ADDRESS = "autodata picks the address; for one of your own start vLLM yourself and give base_url"
_NAME = "give the name or folder in `model`"
OURS = {
    "--model": _NAME,
    "--served-model-name": _NAME,
    "--host": _ADDRESS,
    "--port": _ADDRESS,
    "--uds": _ADDRESS,
    "--tensor-parallel-size": "set `tensor_parallel`",
    "-tp": "set `tensor_parallel`",
}
"""The options of vLLM that autodata sets itself, and what to do instead."""


class VllmConfig(Sampling, ServedConfig):
    """A model that vLLM serves."""

    client: ClassVar[str] = "autodata.models.providers.openai:OpenAIModel"
    server: ClassVar[str] = "autodata.models.serving.vllm"
    counts_gpus: ClassVar[bool] = True

    provider: Literal["vllm"] = Field(
        description="vLLM, served by autodata where there is no `base_url`"
    )
    gpus: list[TextOrNumber] = Field(
        default_factory=list, description="numbers or ids; empty: dealt"
    )
    replicas: Positive = Field(1, description="servers side by side")
    tensor_parallel: Positive = Field(1, description="GPUs of one server")
    args: list[TextOrNumber] = Field(default_factory=list, description="extra server arguments")
    python: str = Field("", description="the Python that has vllm, if not this one")
    ready_s: Amount = Field(0.0, description="deadline of getting ready; 0: 1800 s")

    @property
    def flags(self) -> set[str]:
        """The options that `args` sets, spelled with dashes."""
        named = (arg.split("=")[0] for arg in self.args if arg.startswith("-"))
        return {flag.replace("_", "-") for flag in named}

    def faults(self, name: str) -> Iterator[Fault]:
        """Find options that autodata sets, and GPUs that do not go with the number of servers."""
        yield from super().faults(name)
        if self.base_url and self.replicas not in (1, len(self.urls)):
            said = f"{len(self.urls)} address{'es' if len(self.urls) > 1 else ''}"
            problem = f" is {self.replicas}, and base_url has {said}"
            fix = "list the addresses of all replicas in base_url, or take replicas out"
            yield Fault("replicas", problem, fix)
        for flag in sorted(self.flags):
            # argparse takes the beginning of an option for the option
            ours = [option for option in OURS if option.startswith(flag) and len(flag) > 2]
            if ours:
                yield Fault("args", f": {flag} is not to be set here", OURS[ours[0]])
        if self.served:
            for problem, fix in self._wrong_gpus():
                yield Fault("gpus", problem, fix)

    def _wrong_gpus(self) -> Iterator[tuple[str, str]]:
        for gpu in self.gpus:
            if not re.fullmatch(r"\d+|(GPU|MIG)-\S+", gpu):
                yield f": {gpu!r} is no GPU", "write numbers or ids as nvidia-smi -L shows them"
            if self.gpus.count(gpu) > 1:
                yield f": {gpu} is there twice", "list each GPU once"
        listed, needed = len(self.gpus), self.replicas * self.tensor_parallel
        if listed not in (0, needed):
            problem = f": {listed} listed, but replicas x tensor_parallel is {needed}"
            fix = f"for one server over all of them set tensor_parallel: {listed}, for one on each "
            yield problem, fix + f"replicas: {listed}"
