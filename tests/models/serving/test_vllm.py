"""Real vLLM on the CPU through our supervision; `tools/vllm_cpu.py` prepares it."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from autodata.config.providers.vllm import VllmConfig
from autodata.errors import ContextTooLong, RequestRejected
from autodata.models import plain_http
from autodata.models.base import Deadlines, Message, Request
from autodata.models.endpoint.admission import read_load
from autodata.models.endpoint.endpoint import Endpoint, EndpointLimits, Service
from autodata.models.providers.openai import OpenAIModel
from autodata.models.serving.servers import Servers
from autodata.models.serving.supervisor import Workplace
from tests.support.serving import eventually

PREPARED = Path(os.environ.get("AUTODATA_VLLM", "/nonexistent"))
ARGS = ["--dtype", "bfloat16", "--max-model-len", "2048", "--max-num-seqs", "16", "--enforce-eager"]

pytestmark = [
    pytest.mark.real_model,
    pytest.mark.skipif(
        not (PREPARED / "model" / "config.json").exists(),
        reason="AUTODATA_VLLM names no folder that tools/vllm_cpu.py has prepared",
    ),
]


def vllm_pid(port: str) -> int:
    """Find the server process of vLLM that has this port."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        ours = b"vllm.entrypoints.openai.api_server" in command[:3]
        if ours and port.encode() in command:
            return int(folder.name)
    raise AssertionError("no vLLM process")


async def test_real_vllm_serves_says_its_queue_and_survives_a_kill_9(tmp_path: Path) -> None:
    config = VllmConfig(
        provider="vllm",
        model=str(PREPARED / "model"),
        python=str(PREPARED / "venv" / "bin" / "python"),
        args=ARGS,
    )
    environment = {**os.environ, "VLLM_CPU_KVCACHE_SPACE": "1", "HF_HUB_OFFLINE": "1"}
    async with Servers(Workplace(tmp_path, environment=environment), print) as servers:
        [url] = await servers.start("small", config)
        model = OpenAIModel(config.model, base_url=url)
        await check_wire(model, OpenAIModel("no-such-model", base_url=url))
        endpoint = Endpoint(
            "small",
            model,
            EndpointLimits(concurrency=64, deadlines=Deadlines(total_s=120)),
            Service(queue_urls=[url], supervised=True),
        )
        request = Request(prompt="Once upon a time", max_tokens=32, temperature=1.0)
        calls = [asyncio.create_task(endpoint.call(request)) for _ in range(48)]
        root = url.removesuffix("/v1")

        async def full() -> bool:
            load = read_load((await plain_http.get(root + "/metrics", 10.0))[1])
            assert load is not None
            return load.running > 0 and endpoint.gate.ceiling < 64  # 16 places, and no 429 ever

        await eventually(full, 60.0)
        os.kill(vllm_pid(root.rsplit(":", 1)[1]), signal.SIGKILL)
        answers = await asyncio.gather(*calls)
        assert len(answers) == 48
        assert max(answer.tries for answer in answers) > 1
        await endpoint.close()


async def check_wire(model: OpenAIModel, unknown: OpenAIModel) -> None:
    ask = Request(prompt="The capital of France is", max_tokens=4, temperature=0.0, seed=1)
    reply = await model.complete(ask)
    assert "Paris" in reply.text
    assert (reply.prompt_tokens, reply.completion_tokens, reply.finish) == (5, 4, "length")
    schema = {
        "type": "object",
        "properties": {"n": {"type": "integer"}},
        "required": ["n"],
        "additionalProperties": False,
    }
    words = (Message("user", "Count the legs of a cat as JSON."),)
    chat = await model.complete(Request(messages=words, schema=schema, max_tokens=60, seed=1))
    assert '"n"' in chat.text
    with pytest.raises(ContextTooLong):
        await model.complete(Request(prompt="word " * 4000, max_tokens=4))
    with pytest.raises(ContextTooLong):
        await model.complete(Request(messages=words, max_tokens=5000))
    with pytest.raises(RequestRejected):
        await unknown.complete(ask)
    await unknown.close()
