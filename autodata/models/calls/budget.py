"""Budgets: bounds on calls, tokens, dollars, hours and GPU-seconds, of the run and of each role.

A call in flight holds what it may take at most, so that a budget is kept where replies have a
limit. Where they have none a call holds as much as the longest reply so far, and the calls in
flight may go over by what theirs are longer, each once. Of every bound the share of the sealed
test is kept (`reserve`): only that test's calls may take it.

Time is wall time: the run's since its models are up, a role's while a call of it is under way.
GPU-seconds are that time by the GPUs of all models, or of the role's.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from autodata.config.providers.table import PROVIDERS
from autodata.config.schema import Budget, Config, RoleBudget
from autodata.errors import BudgetSpent, ConfigurationError
from autodata.models.base import Site
from autodata.models.calls.reserve import NOTHING, Reserve, Share
from autodata.models.endpoint.throttle import Now
from autodata.models.prices import known_price
from autodata.types import EpisodeKey, Spend

EARLY = 0.1
"""Part of a bound on time in which nothing is kept for the sealed test yet."""
FEW = 4  # calls of a role at once while nothing is known of the length of its replies
SOONEST = 0.01  # seconds from one look at the clock to the next
COUNTED = {
    "calls": "calls",
    "prompt_tokens": "prompt_tokens",
    "completion_tokens": "completion_tokens",
    "usd": "cost_usd",
}
"""What a budget bounds by counting, and where a `Spend` has it."""


@dataclass(eq=False, slots=True)
class Hold:
    """The reserve of one call in flight."""

    role: str
    spend: Spend
    site: Site | None = None


class _Account:
    """What the run or a role spent and holds, and for how long it was busy."""

    def __init__(self, name: str, key: str, budget: RoleBudget, gpus: int) -> None:
        self.name = name
        self.key = key
        self.spent = Spend()
        self.held = Spend()
        self.longest = 0
        self.in_flight = 0
        self._busy_s = 0.0
        self._since = 0.0
        amounts = [(name, field, getattr(budget, name)) for name, field in COUNTED.items()]
        times = [("hours", budget.hours, budget.hours * 3600)]
        if gpus:
            times.append(("gpu_seconds", budget.gpu_seconds, budget.gpu_seconds / gpus))
        self.amounts = [bound for bound in amounts if bound[2]]
        self.times = [bound for bound in times if bound[1]]
        self.counts_replies = bool(budget.completion_tokens or budget.usd)

    def begin(self, now: float) -> None:
        if not self.in_flight:
            self._since = now
        self.in_flight += 1

    def end(self, now: float) -> None:
        self.in_flight -= 1
        if not self.in_flight:
            self.busy_for(now - self._since)

    def busy_for(self, seconds: float) -> None:
        self._busy_s += seconds

    def seconds(self, now: float) -> float:
        return self._busy_s + (now - self._since if self.in_flight else 0.0)

    def over(self, more: Spend, share: Share) -> BudgetSpent | None:
        """The error that so much more would be; a share that is not there is not kept."""
        for name, place, limit in self.amounts:
            spent = getattr(self.spent, place)
            value, kept = spent + getattr(more, place), getattr(share.kept, place)
            enough = spent + getattr(share.expected, place) <= limit
            if value + (kept if enough else 0) > limit * (1 + 1e-9):  # dollars are sums of floats
                words = f"the next call may make it {value:.6g} of {limit:g} {name}"
                return self.used_up(name, limit, words, enough and kept)
        return None

    def used_up(self, name: str, limit: float, words: str, kept: float) -> BudgetSpent:
        if kept:
            words += f", and the sealed test may need {kept:.4g}"
        return BudgetSpent(
            f"the budget of {self.name} is used up: {words}",
            f"run the same command with a larger {self.key}.{name}",
            bound=f"{self.key}.{name}",
            limit=limit,
            kept=kept > 0,
        )

    def kept_s(self, allowed: float, now: float, share: Share) -> float:
        """The seconds of `allowed` that are kept: none where they are not left, nor early on.

        The first calls are slow where a server warms up, and would make the test look too long.
        """
        seconds = self.seconds(now)
        late = seconds >= EARLY * allowed
        return share.kept_s if late and seconds + share.expected_s <= allowed else 0.0


class Accounts:
    """Counts what is spent and refuses what would go over.

    `gpus` is how many GPUs all models of the run have, `role_gpus` how many each role's model has.
    """

    def __init__(
        self,
        budget: Budget,
        *,
        gpus: int = 0,
        role_gpus: Mapping[str, int] | None = None,
        now: Now = time.monotonic,
    ) -> None:
        self._budget = budget
        self._role_gpus = role_gpus or {}
        self._now = now
        self._run = _Account("the run", "budget", budget, gpus)
        self._run.begin(now())  # and never ends: a run's clock goes on between calls, too
        self._roles: dict[str, _Account] = {}
        self._settled = asyncio.Event()
        self.reserve = Reserve()

    @property
    def spent(self) -> Spend:
        """The total spend of the run so far, earlier sessions included."""
        return self._run.spent

    async def hold(self, role: str, most: Callable[[int], Spend], site: Site | None = None) -> Hold:
        """Set aside what a call may take; waits while calls in flight may leave enough of it.

        `most` says what it may take, given the tokens of the longest reply so far: of the role, or
        of any while it has none. Few calls go out before it has one, unless they have a limit.
        Calls whose `site` is on the test split may take what is kept for it.

        Raises:
            BudgetSpent: it does not fit, whatever the calls in flight turn out to need.
        """
        sealed = is_sealed(site)
        mine = self._role(role)
        guessed = not most(0).completion_tokens
        while not self._fits(role, reserve := most(mine.longest or self._run.longest), sealed) or (
            guessed and self._is_new(mine)
        ):
            await self._settled.wait()
        for account in (self._run, mine):
            account.held += reserve
        mine.begin(self._now())
        return Hold(role, reserve, site)

    def settle(self, hold: Hold, spend: Spend, beside: int = 1) -> None:
        """Replace a call's reserve by what it took; a failed call took nothing.

        `beside` counts the calls that were at a server when it was answered.
        """
        mine = self._role(hold.role)
        mine.end(self._now())
        for account in (self._run, mine):
            account.held += _minus(hold.spend)
        if spend.calls:
            self.charge(hold.role, spend, hold.site.episode if hold.site else None)
            self.reserve.beside(beside)
        self._settled.set()
        self._settled = asyncio.Event()

    def charge(self, role: str, spend: Spend, episode: EpisodeKey | None = None) -> None:
        """Count a call that is paid for already, such as one of an earlier session."""
        if episode is not None:
            self.reserve.call(episode, role, spend)
        for account in (self._run, self._role(role)):
            account.spent += spend
            account.longest = max(account.longest, spend.completion_tokens)

    def charge_time(self, seconds: float, role: str = "") -> None:
        """Count the time that earlier sessions took, or that a role was busy in them."""
        (self._role(role) if role else self._run).busy_for(seconds)

    def seconds_left(self, role: str, sealed: bool = False) -> float | None:
        """Return the seconds that a call may take before time is up; None: no bound."""
        now = self._now()
        left = [
            allowed - account.seconds(now) - account.kept_s(allowed, now, share)
            for account, share in self._shares(role, sealed)
            for _, _, allowed in account.times
        ]
        return max(SOONEST, min(left)) if left else None

    def check_time(self, role: str, sealed: bool = False) -> None:
        """Raise BudgetSpent when the run or the role has no time left."""
        now = self._now()
        for account, share in self._shares(role, sealed):
            for name, limit, allowed in account.times:
                kept = account.kept_s(allowed, now, share)
                if (seconds := account.seconds(now)) + kept >= allowed:
                    words = f"{seconds / allowed * limit:.4g} of {limit:g} {name}"
                    raise account.used_up(name, limit, words, kept / allowed * limit)

    def _shares(self, role: str, sealed: bool) -> list[tuple[_Account, Share]]:
        """The accounts that a call is charged to, with what is kept of each from it."""
        mine = self._role(role)
        if sealed:
            return [(self._run, NOTHING), (mine, NOTHING)]
        whole, now = self.reserve.share(), self._now()
        busy = min(1.0, mine.seconds(now) / max(self._run.seconds(now), SOONEST))
        part = replace(
            self.reserve.share(role),
            expected_s=whole.expected_s * busy,
            kept_s=whole.kept_s * busy,
        )
        return [(self._run, whole), (mine, part)]

    def _role(self, role: str) -> _Account:
        if role not in self._roles:
            budget = self._budget.roles.get(role, RoleBudget())
            gpus = self._role_gpus.get(role, 0)
            key = f"budget.roles.{role}"
            self._roles[role] = _Account(f"role {role}", key, budget, gpus)
        return self._roles[role]

    def _fits(self, role: str, reserve: Spend, sealed: bool) -> bool:
        self.check_time(role, sealed)
        bounded = [(one, share) for one, share in self._shares(role, sealed) if one.amounts]
        for account, share in bounded:
            if error := account.over(reserve, share):
                raise error
        return not any(account.over(account.held + reserve, share) for account, share in bounded)

    def _is_new(self, mine: _Account) -> bool:
        """Whether the first few of a role's calls are out and their length matters."""
        first = mine.in_flight >= FEW and not mine.spent.calls
        return first and (self._run.counts_replies or mine.counts_replies)


def is_larger(budget: Budget, bound: str, limit: float) -> bool:
    """Whether a bound, such as `budget.roles.weak.usd`, is above `limit`, or is none."""
    _, *role, name = bound.split(".")
    account = budget.roles.get(role[1], RoleBudget()) if role else budget
    return not 0 < getattr(account, name) <= limit


def check_budget(config: Config) -> None:
    """Refuse a budget that nothing would be counted against.

    Raises:
        ConfigurationError: the first of its `faults`.
    """
    for fault in faults(config):
        raise fault


def faults(config: Config) -> Iterator[ConfigurationError]:
    """Yield every bound that nothing would be counted against.

    A model that costs no dollars by its nature needs no price; neither does one whose price is 0.
    """
    players = {
        role: {name: config.models[name] for name in settings.players if name in config.models}
        for role, settings in config.roles.items()
    }
    players = {role: models for role, models in players.items() if models}
    bounds: list[tuple[str, RoleBudget, list[str]]] = [("budget", config.budget, list(players))]
    for role, budget in config.budget.roles.items():
        if role not in players:
            yield ConfigurationError(
                f"budget.roles.{role}: no model plays {role}",
                f"take it out, or set roles.{role}.model",
            )
            continue
        bounds.append((f"budget.roles.{role}", budget, [role]))
    for key, budget, roles in bounds:
        seated = {name: model for role in roles for name, model in players[role].items()}
        for name, model in seated.items() if budget.usd else ():
            priced = model.price or known_price(model.model)
            if model.paid and priced is None:
                yield ConfigurationError(
                    f"{key}.usd cannot be kept: no price is known for {model.model}",
                    f"set models.{name}.price: {{input: ..., output: ...}}, in dollars per "
                    "million tokens (0 if it costs nothing), or set a budget in tokens instead",
                )
        known = any(model.counts_gpus or model.simulated for model in seated.values())
        if budget.gpu_seconds and not known:
            counted = [name for name, kind in PROVIDERS.items() if kind.counts_gpus]
            yield ConfigurationError(
                f"{key}.gpu_seconds cannot be kept: no model here runs on GPUs that are known",
                f"set {key}.hours instead; GPUs are counted for models with "
                f"`provider: {'` or `'.join(counted)}`",
            )


def is_sealed(site: Site | None) -> bool:
    """Whether a call is one of the sealed test."""
    return site is not None and site.split == "test"


def _minus(spend: Spend) -> Spend:
    return Spend(
        -spend.calls,
        -spend.prompt_tokens,
        -spend.completion_tokens,
        -spend.cost_usd,
        -spend.seconds,
    )
