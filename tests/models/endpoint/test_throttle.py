"""What is rejected, and what is made of it: noise, too many at once, too many a minute, a wall.

Endpoints call simulated servers in virtual time; shares are of what the server could have done.
"""

from collections.abc import Callable
from itertools import pairwise
from random import Random

import pytest

from autodata.errors import ProviderError, RateLimited, TimedOut, Unavailable
from autodata.models.endpoint.endpoint import Endpoint
from autodata.models.endpoint.router import Router
from autodata.models.endpoint.throttle import LONGEST_WAIT, Throttle
from tests.support.fakes import Clock
from tests.support.servers import (
    BUSY,
    Rule,
    World,
    bucket,
    capacity,
    drive,
    fixed,
    in_virtual_time,
    noise,
    now,
    sliding,
)


def uneven(rng: Random) -> float:
    return rng.uniform(0.5, 1.5)


def run(world: World, seconds: float, workers: int = 128, places: int = 64) -> Endpoint:
    return in_virtual_time(drive(world, seconds, workers, places))


def at_random(share: float, error: type[ProviderError]) -> Rule:
    return lambda world, _: error("500") if world.rng.random() < share else None


@pytest.mark.parametrize("share", [0.01, 0.03, 0.05])
@pytest.mark.parametrize("seed", [1, 2])
def test_random_rejections_leave_the_limit_alone(share: float, seed: int) -> None:
    world = World(noise(share), latency=uneven, seed=seed)
    run(world, 60)
    assert world.rate(0, 60) >= 0.85 * 64


def test_even_a_tenth_rejected_at_random_leaves_most_calls() -> None:
    world = World(noise(0.10), latency=uneven)
    run(world, 180)
    assert world.rate(0, 60) >= 0.75 * 64
    assert world.rate(60, 180) >= 0.85 * 64


@pytest.mark.parametrize("error", [Unavailable, TimedOut])
def test_random_crashes_and_time_outs_leave_the_limit_alone(error: type[ProviderError]) -> None:
    world = World(at_random(0.03, error), latency=uneven)
    run(world, 60)
    assert world.rate(0, 60) >= 0.85 * 64


def test_noise_does_not_keep_a_limit_of_hundreds_from_being_found() -> None:
    world = World(noise(0.05), latency=uneven)
    run(world, 45, workers=512, places=256)
    assert world.rate(15, 45) >= 0.85 * 256


def test_a_lone_retry_after_delays_its_call_and_nobody_else() -> None:
    world = World(noise(0.03, retry_after=10.0), latency=uneven)
    run(world, 60)
    assert world.rate(0, 60) >= 0.85 * 64


@pytest.mark.parametrize("most", [8, 16, 32, 50])
def test_what_a_server_takes_at_once_is_found_and_used(most: int) -> None:
    world = World(capacity(most), latency=uneven)
    run(world, 180)
    assert world.rate(60, 180) >= 0.95 * most
    assert world.rejected_share(60, 180) <= 0.05


def test_capacity_of_half_the_places_is_used_from_the_beginning() -> None:
    faultless, world = World(capacity(32)), World(capacity(32))
    run(faultless, 120, places=32)
    run(world, 120)
    assert len(world.done) >= 0.95 * len(faultless.done)
    assert world.rejected_share() <= 0.05


def test_a_capacity_that_changes_is_found_again_upwards_and_downwards() -> None:
    def most(time: float) -> int:
        return 32 if time < 60 else 48 if time < 120 else 16

    world = World(capacity(most), latency=uneven)
    run(world, 180)
    for since, until, there in ((15, 60, 32), (75, 120, 48), (130, 180, 16)):
        assert world.rate(since, until) >= 0.95 * there
        assert world.rejected_share(since, until) <= 0.05
    assert world.rejected_share() <= 0.05


def test_capacity_is_used_through_noise() -> None:
    world = World(noise(0.03), capacity(32), latency=uneven)
    run(world, 240)
    assert world.rate(60, 240) >= 0.9 * 32
    assert world.rejected_share(60, 240) <= 0.03 + 0.06


@pytest.mark.parametrize("said", [False, True], ids=["silent", "retry-after"])
@pytest.mark.parametrize("limited", [sliding, fixed, bucket])
def test_a_limit_of_calls_a_minute_is_used_without_a_storm(
    limited: Callable[..., Rule], said: bool
) -> None:
    world = World(limited(1200, said=said), latency=uneven)
    run(world, 300)
    assert world.rate(60, 300) >= 0.9 * 20
    assert world.rejected_share(0, 60) <= 0.05
    assert world.rejected_share(60, 300) <= 0.05


@pytest.mark.parametrize("limited", [sliding, fixed, bucket])
def test_a_limit_of_six_calls_a_minute_is_used_without_a_storm(
    limited: Callable[..., Rule],
) -> None:
    world = World(limited(6), latency=uneven)
    run(world, 3600)
    assert world.rate(600, 3600) >= 0.9 * 0.1
    assert world.rejected_share(600, 3600) <= 0.05
    assert len(world.rejected) <= 300  # calls fill the first places, once or twice


def test_a_limit_of_tokens_a_minute_is_used_whatever_calls_cost() -> None:
    def cost(rng: Random) -> float:
        return rng.uniform(50, 450)

    paid = 0.0

    def costs(rng: Random) -> float:
        nonlocal paid
        paid = cost(rng)
        return paid

    world = World(bucket(250_000, cost=costs), latency=uneven)
    run(world, 240)
    assert world.rate(60, 240) >= 0.9 * 250_000 / 60 / 250
    assert world.rejected_share(60, 240) <= 0.09


def test_a_limit_of_calls_a_minute_is_used_through_noise() -> None:
    world = World(noise(0.03), sliding(1200), latency=uneven)
    run(world, 300)
    assert world.rate(0, 300) >= 0.9 * 20


def test_after_a_burst_of_rejections_all_places_are_used_again() -> None:
    def burst(_: World, __: object) -> ProviderError | None:
        return RateLimited(BUSY) if 30 <= now() < 31 else None

    world = World(burst, latency=uneven)
    run(world, 60)
    assert world.rate(40, 60) >= 0.95 * 64
    assert len(world.rejected) <= 64


def test_a_server_that_rejects_everything_for_an_hour_is_asked_now_and_then() -> None:
    def outage(_: World, __: object) -> ProviderError | None:
        return RateLimited(BUSY) if 30 <= now() < 3630 else None

    world = World(outage, latency=uneven)
    endpoint = run(world, 3800)
    assert len(world.rejected) <= 250
    assert world.rate(3720, 3800) >= 0.9 * 64
    assert endpoint.breaker.paused == ""


def test_a_retry_after_of_hours_holds_everybody_for_five_minutes_at_a_time() -> None:
    def outage(_: World, __: object) -> ProviderError | None:
        return RateLimited(BUSY, retry_after=7200) if 30 <= now() < 900 else None

    world = World(outage, latency=uneven)
    run(world, 1000)
    times = [later - earlier for earlier, later in pairwise(world.rejected)]
    assert all(gap < 3 or gap >= LONGEST_WAIT - 3 for gap in times)
    assert len(world.done) > 0
    assert len(world.rejected) <= 70


def test_replicas_with_random_failures_are_all_used() -> None:
    replicas = [World(noise(0.05), capacity(32), latency=uneven, seed=seed) for seed in (1, 2)]
    in_virtual_time(drive(Router(replicas, now=now), 120))
    done = [world.rate(20, 120) for world in replicas]
    assert sum(done) >= 0.85 * 64
    assert min(done) >= 0.7 * 32


def test_two_hundred_rejections_at_once_halve_the_limit_no_further() -> None:
    clock = Clock()
    throttle = Throttle(100, now=clock.now)
    sent = [throttle.sent(level) for level in range(1, 101)]
    clock.time += 1
    for one in sent[::5] * 10:  # not one after the other: that were a wall
        throttle.late(one)
    assert throttle.limit >= 25  # half, and of these half while it is tested
