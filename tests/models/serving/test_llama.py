"""The small real model on the CPU, through supervision, SDK and endpoint."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from autodata.config.providers.local import LocalConfig
from autodata.errors import ConfigurationError, ContextTooLong
from autodata.models import plain_http
from autodata.models.base import Deadlines, Message, Request
from autodata.models.endpoint.endpoint import Endpoint, EndpointLimits
from autodata.models.providers.openai import OpenAIModel
from autodata.models.serving import weights
from autodata.models.serving.servers import Servers
from autodata.models.serving.supervisor import Workplace
from tests.support.serving import eventually

pytestmark = pytest.mark.real_model
CONFIG = LocalConfig(provider="local", model="smollm2", slots=4, context=512)


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    pytest.importorskip("xllamacpp")
    try:
        cache = weights.cache_folder(os.environ)
        await asyncio.to_thread(weights.pull, "smollm2", cache)
    except ConfigurationError as error:
        pytest.skip(f"the weights cannot be had: {error}")
    async with Servers(Workplace(tmp_path), print) as servers:
        yield (await servers.start("small", CONFIG))[0]


def server_pid(url: str) -> int:
    """Find the process that was started to listen on the URL's port."""
    port = url.split(":")[2].removesuffix("/v1").encode()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"autodata.models.serving.llama" in command[:4] and port in command:
            return int(folder.name)
    raise AssertionError("no server process")


async def test_it_continues_a_sentence_and_follows_a_schema(url: str) -> None:
    model = OpenAIModel("smollm2", base_url=url)
    reply = await model.complete(
        Request(prompt="The capital of France is", max_tokens=4, temperature=0.0, seed=1)
    )
    assert "Paris" in reply.text
    assert (reply.prompt_tokens, reply.completion_tokens) == (5, 4)
    schema = {
        "type": "object",
        "properties": {"n": {"type": "integer"}},
        "required": ["n"],
        "additionalProperties": False,
    }
    ask = (Message("user", "Count the legs of a cat as JSON."),)
    chat = await model.complete(Request(messages=ask, schema=schema, max_tokens=60, seed=1))
    assert '"n"' in chat.text
    with pytest.raises(ContextTooLong):
        await model.complete(Request(prompt="word " * 2000, max_tokens=4))
    await model.close()


async def test_broken_weights_are_an_error_in_one_line(tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp")
    (tmp_path / "bad.gguf").write_text("hello\n")
    async with Servers(Workplace(tmp_path / "logs", tmp_path), print) as servers:
        with pytest.raises(ConfigurationError) as caught:
            await servers.start("small", LocalConfig(provider="local", model="bad.gguf"))
    problem = caught.value.problem
    assert "server small ended with exit code 1 before it was ready" in problem
    assert problem.endswith(f"| llama.cpp cannot serve {tmp_path}/bad.gguf")
    assert "Traceback" not in (tmp_path / "logs" / "small.log").read_text()


async def test_modules_that_lie_where_the_command_is_given_are_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("xllamacpp")
    (tmp_path / "bad.gguf").write_text("hello\n")
    for name in ("random", "signal", "xllamacpp"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the wrong module')\n")
    monkeypatch.chdir(tmp_path)
    async with Servers(Workplace(tmp_path / "logs"), print) as servers:
        with pytest.raises(ConfigurationError, match="cannot serve"):
            await servers.start("small", LocalConfig(provider="local", model="bad.gguf"))


async def test_calls_outlive_a_kill_9_of_the_server(url: str) -> None:
    model = OpenAIModel("smollm2", base_url=url)
    endpoint = Endpoint(
        "small", model, EndpointLimits(concurrency=4, deadlines=Deadlines(total_s=60))
    )
    request = Request(prompt="Once upon a time", max_tokens=64, temperature=0.0, seed=1)
    first = (await endpoint.call(request)).reply.text
    calls = [asyncio.create_task(endpoint.call(request)) for _ in range(8)]

    async def busy() -> bool:
        return len(endpoint.sending) == 4

    await eventually(busy)
    os.kill(server_pid(url), signal.SIGKILL)
    answers = await asyncio.gather(*calls)
    assert max(answer.tries for answer in answers) > 1
    texts = {answer.reply.text for answer in answers}
    assert all(text[:20] == first[:20] for text in texts)
    status, _ = await plain_http.get(url.removesuffix("/v1") + "/health", 5.0)
    assert status == 200
    await endpoint.close()
