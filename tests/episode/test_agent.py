"""The tool loop: pages and finds, bounded turns, mistakes answered instead of raised."""

from dataclasses import replace

import pytest

from autodata.episode.agent import PAGE_CHARS, TOOLS, answer_tool, converse, in_words, run_agent
from autodata.episode.meter import Meter
from autodata.harness.workflow import WorkflowStop
from autodata.models.base import CheckReply, Message, Reply, Request, Site, ToolCall
from autodata.types import Json
from tests.support.episodes import DOCUMENT, asking_of, good_caller

LONG = replace(DOCUMENT, text="abc Needle " + "x" * 6000 + " needle end")


class ToolUser:
    """A main model that calls the given tools turn by turn and then answers."""

    def __init__(self, *turns: tuple[ToolCall, ...]) -> None:
        self.turns = turns
        self.calls: list[tuple[Site, Request]] = []

    async def call(self, site: Site, request: Request, check: CheckReply | None = None) -> Reply:
        number = len(self.calls)
        self.calls.append((site, request))
        if number < len(self.turns) and request.tools:
            return Reply("thinking", "tool_calls", self.turns[number])
        return Reply("INSIGHT: it is so")


def use(name: str, number: int = 0, **arguments: object) -> ToolCall:
    return ToolCall(f"id{number}", name, arguments)


TASK = Request(messages=(Message("system", "the system"), Message("user", "the task")))


async def agent(user: ToolUser, turns: int = 8, cuts: int = 0) -> str:
    asking = asking_of(good_caller())
    asking = replace(asking, team=replace(asking.team, caller=user))
    return await run_agent(asking, LONG, TASK, turns, "s1.agent", cuts)


async def test_tool_answers_go_back_until_the_model_answers() -> None:
    user = ToolUser((use("read", 1, offset=0), use("find", 2, phrase="NEEDLE")))
    assert await agent(user) == "INSIGHT: it is so"
    assert [site.ordinal for site, _ in user.calls] == ["s1.agent.0", "s1.agent.1"]
    messages = user.calls[1][1].messages
    assert [message.role for message in messages] == ["system", "user", "assistant", "tool", "tool"]
    assert [message.tool_call_id for message in messages[3:]] == ["id1", "id2"]
    assert messages[4].content.count("[from offset ") == 2
    assert len({request.seed for _, request in user.calls}) == 2


async def test_what_was_thought_goes_back_with_what_the_tools_said() -> None:
    thought = {"type": "thinking", "thinking": "hm", "signature": "s"}

    async def ask(turn: str, request: Request) -> Reply:
        if turn == "0":
            return Reply("", "tool_calls", (use("read", offset=0),), thinking=(thought,))
        return Reply("done")

    async def answer(call: ToolCall) -> str:
        return "PAGE"

    exchange = await converse(ask, Request(messages=(Message("user", "go"),)), TOOLS, answer, 3)
    assert [message.thinking for message in exchange] == [(), (thought,), (), ()]


async def test_a_turn_that_the_next_one_begins_with_is_worth_a_cache() -> None:
    user = ToolUser(*[(use("read", offset=0),)] * 9)
    await agent(user, turns=3)
    assert [request.again for _, request in user.calls] == [True, True, True, False]


async def test_turns_are_bounded_and_end_with_a_plain_request_to_answer() -> None:
    user = ToolUser(*[(use("read", offset=0),)] * 99)
    assert await agent(user, turns=3) == "INSIGHT: it is so"
    assert len(user.calls) == 4
    last = user.calls[-1][1]
    assert last.tools == ()
    assert not any(message.tool_calls or message.role == "tool" for message in last.messages)
    assert last.messages[-1].content.endswith("Answer now with what you have.")
    assert '[read {"offset": 0}]' in last.messages[2].content
    roles = [message.role for message in last.messages]
    assert roles == [
        "system",
        "user",
        "assistant",
        "user",
        "assistant",
        "user",
        "assistant",
        "user",
    ]


def test_an_exchange_in_words_loses_nothing() -> None:
    call = use("read", offset=7)
    exchange = (Message("assistant", "", (call,)), Message("tool", "PAGE", (), "id0"))
    assert in_words(exchange) == (
        Message("assistant", '[read {"offset": 7}]'),
        Message("user", "PAGE"),
    )


def test_pages_follow_one_another_and_the_last_one_says_so() -> None:
    text = "".join(f"line {number} of the document\n" for number in range(2_000))
    document, offset, read = replace(LONG, text=text), 0, ""
    while True:
        page, _, mark = answer_tool(document, use("read", offset=offset)).rpartition("\n[")
        assert len(page) <= PAGE_CHARS
        assert page.endswith("\n"), "a page ends with a whole line"
        read += page
        if mark.endswith("the document ends here]"):
            break
        offset = int(mark.rpartition("begins at ")[2].rstrip("]"))
    assert read == text


async def test_pages_are_smaller_where_a_conversation_did_not_fit() -> None:
    user = ToolUser((use("read", offset=0),))
    await agent(user, cuts=2)
    [page] = [m.content for m in user.calls[1][1].messages if m.role == "tool"]
    assert PAGE_CHARS // 8 < len(page) < PAGE_CHARS // 3


def test_places_that_lie_near_each_other_are_shown_as_one() -> None:
    text = "x " * 900 + "the cache line and the\ncache line again " + "y " * 900 + "The cache line."
    found = answer_tool(replace(LONG, text=text), use("find", phrase="cache  line"))
    assert found.count("[from offset ") == 2
    assert found.count("the\ncache line again") == 1


def test_many_places_are_not_all_shown_and_that_is_said() -> None:
    text = ("needle " + "x " * 900) * 9
    found = answer_tool(replace(LONG, text=text), use("find", phrase="Needle"))
    assert found.count("[from offset ") == 5
    assert found.endswith("[there are more places]")


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("read", {"offset": -1}, "error: offset must be a whole number from 0 to"),
        ("read", {"offset": 10**9}, "error: offset must be"),
        ("read", {"offset": "0"}, "error: offset must be"),
        ("find", {}, "error: phrase must be text"),
        ("find", {"phrase": "x"}, "error: phrase must be text"),
        ("find", {"phrase": "   "}, "error: phrase must be text"),
        ("find", {"phrase": "nowhere to be found"}, "not found"),
        ("delete", {}, "error: no tool is named 'delete'; tools: read, find"),
    ],
)
def test_a_wrong_call_is_answered_with_what_is_wrong(name: str, arguments: Json, said: str) -> None:
    assert answer_tool(LONG, ToolCall("id", name, arguments)).startswith(said)


def test_the_tools_only_read_the_document() -> None:
    assert [tool.name for tool in TOOLS] == ["read", "find"]


async def test_an_agent_is_stopped_between_its_turns_at_the_tokens_of_an_episode() -> None:
    meter = Meter(most_calls=500, most_tokens=1_000)
    user = ToolUser(*[(use("read", offset=0),)] * 30)  # a page of a thousand tokens each time
    asking = asking_of(good_caller())
    asking = replace(asking, team=replace(asking.team, caller=user), allow=meter.check)
    with pytest.raises(WorkflowStop):
        await run_agent(asking, LONG, TASK, 30, "s1.agent")
    assert len(user.calls) == 1
    assert meter.reason == "it used up the 1,000 tokens of an episode"
