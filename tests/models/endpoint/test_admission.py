"""Admission by the server's queue, and routing over replicas."""

import asyncio
from itertools import pairwise

import pytest

from autodata.errors import (
    ConfigurationError,
    ContextTooLong,
    RateLimited,
    RequestRejected,
    Unavailable,
)
from autodata.models.base import Deadlines, Message, Reply, Request
from autodata.models.endpoint.admission import Load, QueueWatch, next_ceiling, read_load
from autodata.models.endpoint.endpoint import Endpoint, EndpointLimits, Service, Timing
from autodata.models.endpoint.gate import Gate
from autodata.models.endpoint.router import Router
from autodata.models.providers.openai import OpenAIModel
from tests.support.fakes import CHAT, Clock, FakeModel, said
from tests.support.loopback import Loopback, Say

VLLM = """# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="m"} 16.0
vllm:num_requests_waiting{engine="0",model_name="m"} 240.0
vllm:num_requests_waiting_by_reason{engine="0",model_name="m",reason="capacity"} 240.0
vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.25
vllm:e2e_request_latency_seconds_bucket{le="+Inf"} 12.0
"""


def test_vllm_metrics_are_read() -> None:
    assert read_load(VLLM) == Load(16, 240, 0.25)


def test_llama_cpp_metrics_are_read() -> None:
    text = "llamacpp:requests_processing 8\nllamacpp:requests_deferred 3\n"
    assert read_load(text) == Load(8, 3, 0.0)


@pytest.mark.parametrize("text", ["", "<html>", "python_info 1.0\n", "vllm:num_requests_running 3"])
def test_other_metrics_say_nothing(text: str) -> None:
    assert read_load(text) is None


def test_ceiling_finds_what_a_server_can_run_and_stays_there() -> None:
    """A server with 16 places, asked by a run that would like 256."""
    ceiling, seen = 256, []
    for _ in range(30):
        in_flight = ceiling
        load = Load(running=min(16, in_flight), waiting=max(0, in_flight - 16))
        ceiling = next_ceiling(load, in_flight, ceiling, 256)
        seen.append(ceiling)
    assert all(16 <= each <= 22 for each in seen)


def test_full_cache_shrinks_and_idle_server_grows_back() -> None:
    assert next_ceiling(Load(100, 0, 0.97), 100, 100, 256) == 90
    ceilings = [1]
    for _ in range(60):
        ceilings.append(next_ceiling(Load(), 0, ceilings[-1], 256))
    assert ceilings[-1] == 256
    assert all(one <= two for one, two in pairwise(ceilings))


async def test_watch_moves_the_gate_and_silence_lets_it_open_again() -> None:
    async with Loopback() as server:
        server.metrics = VLLM
        gate = Gate(256)
        for _ in range(32):
            await gate.enter()
        watch = QueueWatch(gate, [server.url], FakeModel(lambda *_: said()))
        server.metrics = VLLM.replace("240.0", "16.0")
        await watch.look()
        assert gate.ceiling == 18
    await watch.look()
    assert gate.ceiling == 20


async def test_endpoint_watches_while_it_is_used() -> None:
    async with Loopback() as server:
        server.metrics = VLLM.replace("240.0", "10.0")
        server.script = lambda _: Say(after_s=0.1)
        model = OpenAIModel("m", base_url=server.url)
        limits = EndpointLimits(concurrency=32)
        endpoint = Endpoint("e", model, limits, Service(queue_urls=[server.url]))
        await asyncio.gather(*(endpoint.call(CHAT) for _ in range(40)))
        assert endpoint.gate.ceiling < 32
        await endpoint.close()


async def test_queues_are_told_of_the_right_replica_when_one_is_not_to_be_read() -> None:
    async with Loopback() as server:
        server.metrics = VLLM
        router = Router([FakeModel(lambda *_: said()) for _ in range(2)])
        endpoint = Endpoint(
            "e", router, service=Service(queue_urls=["https://a.example/v1", server.url])
        )
        await endpoint.call(CHAT)
        async with asyncio.timeout(10):
            while router.queued != [0, 240]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await endpoint.close()


async def test_calls_go_where_the_queue_is_short() -> None:
    models = [FakeModel(lambda *_: said()) for _ in range(3)]
    router = Router(models)
    router.queued[:] = [9, 0, 9]
    for number in range(6):
        await router.complete(Request(prompt=str(number)))
    assert [len(model.requests) for model in models] == [0, 6, 0]


async def test_equal_beginnings_keep_to_one_replica_until_it_is_busier() -> None:
    gate = asyncio.Event()

    async def slow() -> Reply:
        await gate.wait()
        return said()

    models = [FakeModel(lambda *_: slow()) for _ in range(2)]
    router = Router(models)
    shared = "x" * 1000  # a document
    calls = [
        asyncio.create_task(router.complete(Request((Message("user", f"{shared}{number}"),))))
        for number in range(10)
    ]
    await asyncio.sleep(0)
    counts = sorted(len(model.requests) for model in models)
    gate.set()
    await asyncio.gather(*calls)
    assert counts == [4, 6]


async def test_turns_of_a_conversation_keep_to_a_replica_and_documents_are_spread() -> None:
    models = [FakeModel(lambda *_: said()) for _ in range(4)]
    router = Router(models)
    prompt, turn = Message("system", "p" * 2000), Message("assistant", "well")
    for number in range(40):
        talk: tuple[Message, ...] = (prompt, Message("user", f"document {number}"))
        for _ in range(5):
            await router.complete(Request(talk))
            talk += (turn, Message("user", "go on"))
    for model in models:
        asked = [request.messages[1].content for request in model.requests]
        assert 25 <= len(asked) <= 80
        assert len(asked) == 5 * len(set(asked))


async def test_a_replica_that_rejects_what_another_takes_is_a_mistake_to_mend() -> None:
    wrong = FakeModel(lambda *_: RequestRejected("http://b/v1: no such model", "check it"))
    router = Router([wrong, FakeModel(lambda *_: said("paid for"))])
    router.queued[:] = [0, 9]
    assert (await router.complete(CHAT)).text == "paid for"
    with pytest.raises(ConfigurationError, match="rejects what another takes: http://b/v1"):
        await router.complete(CHAT)
    assert len(wrong.requests) == 1


@pytest.mark.parametrize(("kind", "asked"), [(RequestRejected, 2), (ContextTooLong, 1)])
async def test_what_all_replicas_reject_is_rejected(kind: type[Exception], asked: int) -> None:
    models = [FakeModel(lambda *_: kind("no")) for _ in range(3)]
    with pytest.raises(kind):
        await Router(models).complete(CHAT)
    assert sum(len(model.requests) for model in models) == asked


async def test_failing_replica_is_left_out_and_tried_again_later() -> None:
    clock = Clock()
    broken = FakeModel(lambda n, _: Unavailable("down") if n < 1 else said("mended"))
    good = FakeModel(lambda *_: said("good"))
    router = Router([broken, good], now=clock.now)
    router.queued[:] = [0, 5]
    with pytest.raises(Unavailable):
        await router.complete(CHAT)
    assert (await router.complete(CHAT)).text == "good"
    clock.time += 2
    assert (await router.complete(CHAT)).text == "mended"
    await router.close()
    assert broken.closed
    assert good.closed


async def test_outage_of_one_replica_fails_no_call() -> None:
    clock = Clock()
    broken = FakeModel(lambda *_: Unavailable("down"))
    router = Router([broken, FakeModel(lambda *_: said())], now=clock.now)
    endpoint = Endpoint("e", router, timing=Timing(clock.now, clock.sleep))
    answers = await asyncio.gather(
        *(endpoint.call(Request(prompt=str(number))) for number in range(50))
    )
    assert {answer.reply.text for answer in answers} == {"ok"}


async def test_a_replica_that_has_answered_is_left_out_at_the_third_error_in_a_row() -> None:
    clock = Clock()
    unlucky = FakeModel(lambda n, _: said() if n in (0, 3) else RateLimited("busy"))
    router = Router([unlucky, FakeModel(lambda *_: said())], now=clock.now)
    router.queued[:] = [0, 9]
    await router.complete(CHAT)
    for _ in range(2):
        with pytest.raises(RateLimited):
            await router.complete(CHAT)
    await router.complete(CHAT)
    for _ in range(3):
        with pytest.raises(RateLimited):
            await router.complete(CHAT)
    await router.complete(CHAT)
    assert len(unlucky.requests) == 7


async def test_silent_replica_stops_nobody() -> None:
    async def silence() -> Reply:
        await asyncio.Event().wait()
        return said()

    silent, good = FakeModel(lambda *_: silence()), FakeModel(lambda *_: said())
    clock = Clock()
    endpoint = Endpoint("e", Router([silent, good]), timing=Timing(clock.now, clock.sleep))
    brief = Deadlines(total_s=0.05)
    for number in range(30):
        answer = await endpoint.call(Request(prompt=str(number)), deadlines=brief)
        assert answer.reply.text == "ok"
    assert len(silent.requests) <= 2  # the one that found out, and one when its bench was over


async def test_replica_on_trial_gets_one_call_at_a_time() -> None:
    gate = asyncio.Event()

    async def slow() -> Reply:
        await gate.wait()
        return said("mended")

    clock = Clock()
    failing = FakeModel(lambda n, _: Unavailable("down") if n < 1 else slow())
    router = Router([failing, FakeModel(lambda *_: said("good"))], now=clock.now)
    router.queued[:] = [0, 9]
    with pytest.raises(Unavailable):
        await router.complete(CHAT)
    clock.time += 2
    calls = [asyncio.create_task(router.complete(CHAT)) for _ in range(5)]
    await asyncio.sleep(0)
    gate.set()
    texts = sorted(reply.text for reply in await asyncio.gather(*calls))
    assert texts == ["good"] * 4 + ["mended"]
