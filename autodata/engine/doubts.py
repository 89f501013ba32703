"""What a configuration may say and the numbers of a run then suffer from; told when it begins."""

from collections.abc import Iterator

from autodata.config.schema import Config
from autodata.episode.acceptance import by_luck
from autodata.episode.protocol import ASKED


def doubts(config: Config) -> Iterator[str]:
    """Yield a line for each."""
    protocol = config.protocol
    luck = by_luck(protocol.acceptance, protocol.max_rounds)
    if luck and not protocol.numbers.get("confirm"):
        confirmed = protocol.acceptance.removeprefix("paper-")
        yield (
            f"protocol.acceptance: {protocol.acceptance} confirms nothing: of episodes with "
            f"{protocol.max_rounds} rounds up to {luck:.0%} are accepted by luck where both "
            f"solvers are the same; {confirmed} keeps that below 5%"
        )
    if asked := ", ".join(_shared(config)):
        yield (
            f"roles.strong: its model is also that of {asked}, which a workflow may ask: what it "
            "hears there the strong solver knows without any document; seat another model, or an "
            "auditor"
        )


def _shared(config: Config) -> Iterator[str]:
    """Yield the roles that a workflow may ask whose weights are the strong solver's."""
    if "strong" not in config.roles:
        return
    strong = config.models[config.roles["strong"].model]
    for role in ASKED:
        if role in config.roles:
            model = config.models[config.roles[role].model]
            if (model.provider, model.model) == (strong.provider, strong.model):
                yield role
