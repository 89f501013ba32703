"""Models that cannot be reached, served or paid for: the command says so and ends with the fix."""

import pytest

from tests.support.command_line import TINY, Place, refused, served
from tests.support.loopback import Reset, Say, Status


def openai(place: Place, address: str) -> None:
    """Let the project's models be an OpenAI-compatible server."""
    model = f"{{provider: openai, model: m, api: completions, base_url: '{address}'"
    place.write(
        "http.yaml",
        f"models: {{one: {model}, api_key_env: TEST_KEY}}}}\n"
        "roles: {weak: {model: one}, strong: {model: one, mode: privileged}}\n",
    )


def test_a_dead_endpoint_ends_a_new_run_soon(fresh: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", "sk-secret")
    with served(lambda _: Say()) as server:
        address = server.url
    openai(fresh, f"{address}/v1")
    words = ("--models=http.yaml", "--set=budget.pause_hours=0.0005", *TINY)
    done = fresh("optimize", "--run=d", *words)
    refused(done, "endpoint one was never there", "check base_url")
    assert "sk-secret" not in done.err + done.out
    assert "d  " in fresh("runs").out
    with served(lambda _: Say("the")) as server:
        openai(fresh, f"{server.url}/v1")
        assert fresh("optimize", "--run=d", *words).code == 0


def test_an_address_of_something_else_ends_a_new_run_soon(
    fresh: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_KEY", "sk-secret")
    words = ("--models=http.yaml", "--set=budget.pause_hours=0.0005", *TINY)
    with served(lambda _: Status(200, "<html>Welcome</html>")) as server:
        openai(fresh, server.url)
        done = fresh("optimize", "--run=d", *words)
    refused(done, "endpoint one was never there: m at 127.0.0.1 sent no usable", "check base_url")


def test_a_wrong_key_ends_a_run_at_once(fresh: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", "sk-secret")
    body = {"error": {"message": "Incorrect API key provided", "type": "invalid_request_error"}}
    with served(lambda _: Status(401, body)) as server:
        openai(fresh, f"{server.url}/v1")
        done = fresh.process("optimize", "--run=k", "--models=http.yaml", *TINY)
        refused(done, "does not accept the key", "api_key_env")
        assert len(server.seen) <= 64
    written = b"".join(fresh.files().values()).decode(errors="replace")
    assert "sk-secret" not in done.err + done.out + written


def test_hours_end_a_run_whose_endpoint_is_waited_for_without_end(
    fresh: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_KEY", "sk-secret")
    with served(lambda seen: Say("the") if seen.index < 4 else Reset()) as server:
        openai(fresh, f"{server.url}/v1")
        bounds = ("--set=budget.pause_hours=0", "--set=budget.hours=0.001")
        done = fresh("evaluate", "lambada", "--models=http.yaml", "--run=h", *bounds, *TINY[:3])
    refused(done, "of 0.001 hours", "larger budget.hours", code=3)


def test_a_spent_budget_ends_with_its_own_code_and_goes_on_with_a_larger_one(fresh: Place) -> None:
    words = ("optimize", "--run=b", *TINY)
    for _ in range(2):
        done = fresh(*words, "--set=budget.calls=30")
        refused(done, "budget", "larger budget.calls", code=3)
    assert fresh("sql", "select count(*) n from calls", "--format=json").json[0]["n"] <= 30
    assert fresh(*words, "--set=budget.calls=0").code == 0


def vllm(place: Place, gpus: str) -> None:
    """Let the project's models be two vLLM servers, of which only `one` plays a role."""
    model = f"{{provider: vllm, model: m, python: /no/python, {gpus}}}"
    roles = "roles: {weak: {model: one}, strong: {model: one, mode: privileged}}\n"
    place.write("vllm.yaml", f"models: {{one: {model}, two: {model}}}\n{roles}")


def test_gpus_are_shared_out_among_the_models_that_a_command_serves(
    fresh: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,6")
    words = ("--models=vllm.yaml",)
    vllm(fresh, "replicas: 2")
    refused(fresh("serve", *words), "needs 4 GPUs (one 2, two 2), and 3 can be seen", "replicas")
    vllm(fresh, "replicas: 4")
    refused(fresh("optimize", *TINY, *words), "needs 4 GPUs (one 4), and 3 can be", "replicas")
    vllm(fresh, "gpus: [7]")
    refused(fresh("serve", *words), "models.one.gpus and models.two.gpus both list 7", "others")
    for command in (("serve", "two", "two"), ("optimize", *TINY)):
        refused(fresh(*command, *words), "python cannot be run: /no/python", "correct the path")


def test_weights_lie_in_the_project_wherever_the_command_is_given(fresh: Place) -> None:
    below = Place(fresh.folder / "harnesses")
    setting = "--set=models.small={provider: local, model: weights/no.gguf, api: completions}"
    for command in (("serve",), ("optimize", *TINY)):
        done = below(*command, setting)
        refused(done, f"no such file: {fresh.folder}/weights/no.gguf", "correct it")
