"""What a configuration may say and the numbers of a run then suffer from; told when it begins."""

from collections.abc import Iterator, Sequence

from autodata.config.schema import Config
from autodata.episode.acceptance import LUCK, by_luck, policy_from
from autodata.episode.protocol import ASKED


def doubts(config: Config) -> Iterator[str]:
    """Yield a line for each."""
    protocol = config.protocol
    policy = policy_from(protocol.acceptance, dict(protocol.numbers))
    if not policy.confirm:
        confirmed = protocol.acceptance.removeprefix("paper-")
        luck = by_luck(f"paper-{confirmed}", protocol.max_rounds)
        many = f"up to {luck:.0%}" if confirmed in LUCK else "any number (no rule bounds it)"
        yield (
            f"protocol.acceptance: {protocol.acceptance} confirms nothing here: of episodes with "
            f"{protocol.max_rounds} rounds {many} are accepted by luck where both "
            f"solvers are the same; {confirmed}, confirmed, keeps that below 5%"
        )
    if asked := ", ".join(_shared(config, "strong", ASKED)):
        yield (
            f"roles.strong: its model is also that of {asked}, which a workflow may ask: what it "
            "hears there the strong solver knows without any document; seat another model, or an "
            "auditor"
        )
    if alike := ", ".join(_shared(config, "auditor", (*ASKED, "judge"))):
        yield (
            f"roles.auditor: its model is also that of {alike}: what fools these fools it as well; "
            "seat a model of another family"
        )


def _shared(config: Config, of: str, roles: Sequence[str]) -> Iterator[str]:
    """Yield those of these roles whose weights are also those of one."""
    if of not in config.roles:
        return
    its = _weights(config, of)
    yield from (role for role in roles if role in config.roles and its & _weights(config, role))


def _weights(config: Config, role: str) -> set[tuple[str, str]]:
    """Return what plays a role, by provider and name of the model."""
    models = (config.models[name] for name in config.roles[role].players)
    return {(model.provider, model.model) for model in models}
