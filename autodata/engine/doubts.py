"""What a configuration may say and the numbers of a run then suffer from; told when it begins."""

from collections.abc import Iterator

from autodata.config.schema import Config
from autodata.episode.acceptance import by_luck


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
