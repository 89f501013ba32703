"""What a run may spend: calls, tokens, dollars, hours and GPU seconds, in all and per role.

Knows nothing of endpoints. Calls in flight hold a reserve, so that a budget is not overrun by as
many calls as happen to be on their way.
"""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from autodata.config import Budget, Config, RoleBudget
from autodata.errors import BudgetSpent, ConfigurationError
from autodata.models.limits import Now
from autodata.models.prices import known_price
from autodata.types import Spend

UNKNOWN_REPLY = 1024  # tokens held for a reply without a limit, until replies have been seen


@dataclass(eq=False, slots=True)
class Hold:
    """The reserve of one call in flight."""

    role: str
    spend: Spend


@dataclass(slots=True)
class _Account:
    name: str
    key: str
    budget: RoleBudget
    spent: Spend = field(default_factory=Spend)
    held: Spend = field(default_factory=Spend)


class Ledger:
    """Counts what is spent and refuses what would go over.

    `gpus` is how many GPUs the run keeps busy, `spent_s` how long earlier sessions of it ran.
    """

    def __init__(
        self, budget: Budget, *, gpus: int = 0, spent_s: float = 0.0, now: Now = time.monotonic
    ) -> None:
        self._run = _Account("the run", "budget", budget)
        self._roles = {
            role: _Account(f"role {role}", f"budget.roles.{role}", limits)
            for role, limits in budget.roles.items()
        }
        self._gpus = gpus
        self._now = now
        self._began = now() - spent_s
        self._by_role: dict[str, Spend] = {}
        self._settled = asyncio.Event()

    @property
    def spent(self) -> Spend:
        """What the run has spent so far, earlier sessions included."""
        return self._run.spent

    @property
    def by_role(self) -> dict[str, Spend]:
        """The same, per role."""
        return dict(self._by_role)

    @property
    def hours(self) -> float:
        """How long the run has been going, earlier sessions included."""
        return (self._now() - self._began) / 3600

    def reserve_for(self, role: str, prompt_tokens: int, max_tokens: int) -> Spend:
        """Guess what a call will take: twice the role's usual reply, within its limit."""
        seen = self._by_role.get(role, Spend())
        reply = max_tokens or UNKNOWN_REPLY
        if seen.calls >= 20:
            reply = min(reply, max(64, 2 * seen.completion_tokens // seen.calls))
        return Spend(1, prompt_tokens, reply)

    async def hold(self, role: str, reserve: Spend) -> Hold:
        """Set the reserve aside; waits while calls in flight may leave enough of it.

        Raises:
            BudgetSpent: it does not fit, whatever the calls in flight turn out to need.
        """
        while not self._fits(role, reserve):
            await self._settled.wait()
        for account in self._accounts(role):
            account.held += reserve
        return Hold(role, reserve)

    def settle(self, hold: Hold, spend: Spend) -> None:
        """Replace a call's reserve by what it took; a failed call took nothing."""
        for account in self._accounts(hold.role):
            account.held += _minus(hold.spend)
        if spend.calls:
            self.charge(hold.role, spend)
        self._settled.set()
        self._settled = asyncio.Event()

    def charge(self, role: str, spend: Spend) -> None:
        """Count something that is spent already, such as an earlier session's calls."""
        for account in self._accounts(role):
            account.spent += spend
        self._by_role[role] = self._by_role.get(role, Spend()) + spend

    def charge_time(self, seconds: float) -> None:
        """Count the time that earlier sessions went on."""
        self._began -= seconds

    def _accounts(self, role: str) -> Iterator[_Account]:
        yield self._run
        if role in self._roles:
            yield self._roles[role]

    def _fits(self, role: str, reserve: Spend) -> bool:
        fits = True
        for account in self._accounts(role):
            self._check_time(account)
            over = _over(account.budget, account.spent + reserve)
            if over:
                name, value, limit = over
                words = f"the next call would make it {value:.6g} of {limit:g} {name}"
                raise _used_up(account, name, words)
            fits = fits and not _over(account.budget, account.spent + account.held + reserve)
        return fits

    def _check_time(self, account: _Account) -> None:
        budget = account.budget
        seconds = account.spent.seconds if account is not self._run else self.hours * 3600
        gpu_seconds = seconds * self._gpus
        for name, limit, value in (
            ("hours", budget.hours, seconds / 3600),
            ("gpu_seconds", budget.gpu_seconds, gpu_seconds),
        ):
            if limit and value >= limit:
                raise _used_up(account, name, f"{value:.4g} of {limit:g} {name}")


def check_budget(config: Config) -> None:
    """Refuse a budget that nothing would be counted against.

    A model that costs no dollars by its nature needs no price; neither does one whose price is 0.

    Raises:
        ConfigurationError: names the field.
    """
    players = {role: config.models[settings.model] for role, settings in config.roles.items()}
    bounds: list[tuple[str, RoleBudget, list[str]]] = [("budget", config.budget, list(players))]
    for role, budget in config.budget.roles.items():
        if role not in players:
            raise ConfigurationError(
                f"budget.roles.{role}: no model plays {role}",
                f"take it out, or set roles.{role}.model",
            )
        bounds.append((f"budget.roles.{role}", budget, [role]))
    for key, budget, roles in bounds:
        for role in roles if budget.usd else ():
            model, name = players[role], config.roles[role].model
            priced = model.price or known_price(model.model)
            if model.provider in ("openai", "anthropic") and priced is None:
                raise ConfigurationError(
                    f"{key}.usd cannot be kept: no price is known for {model.model}",
                    f"set models.{name}.price: {{input: ..., output: ...}}, in dollars per "
                    "million tokens (0 if it costs nothing), or set a budget in tokens instead",
                )
        providers = {players[role].provider for role in roles}
        if budget.gpu_seconds and providers.isdisjoint({"vllm", "simulated", "scripted"}):
            raise ConfigurationError(
                f"{key}.gpu_seconds cannot be kept: no model here runs on GPUs that are known",
                f"set {key}.hours instead; GPUs are counted for models with `provider: vllm`",
            )


def _used_up(account: _Account, name: str, words: str) -> BudgetSpent:
    return BudgetSpent(
        f"the budget of {account.name} is used up: {words}",
        f"run the same command with a larger {account.key}.{name}",
    )


def _over(budget: RoleBudget, spend: Spend) -> tuple[str, float, float] | None:
    for name, limit, value in (
        ("calls", budget.calls, spend.calls),
        ("prompt_tokens", budget.prompt_tokens, spend.prompt_tokens),
        ("completion_tokens", budget.completion_tokens, spend.completion_tokens),
        ("usd", budget.usd, spend.cost_usd),
    ):
        if limit and value > limit * (1 + 1e-9):  # dollars are sums of floats
            return name, value, limit
    return None


def _minus(spend: Spend) -> Spend:
    return Spend(
        -spend.calls,
        -spend.prompt_tokens,
        -spend.completion_tokens,
        -spend.cost_usd,
        -spend.seconds,
    )
