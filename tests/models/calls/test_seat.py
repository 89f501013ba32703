"""Several models of one role: which of them takes a call, dealt by the site alone."""

from collections import Counter

from autodata.config.schema import Budget
from autodata.models.base import Site
from autodata.models.calls.budget import Accounts
from autodata.models.calls.caller import RecordedCaller
from autodata.models.calls.seat import Seat
from autodata.models.endpoint.endpoint import Endpoint, Service
from autodata.store.episodes import CallRecord
from autodata.types import Cell
from tests.support.episodes import DOCUMENT, asking_of, episode, good_caller, whole_round
from tests.support.fakes import CHAT, FakeModel, Memory, said


def named(name: str) -> Endpoint:
    return Endpoint(name, FakeModel(lambda n, _: said("hi")), service=Service(model_name=name))


A, B = named("a"), named("b")
BY_DOCUMENT = Seat(A, others=(Seat(B),))
OPPOSITE = Seat(B, others=(Seat(A),))
IN_TURN = Seat(A, others=(Seat(B, pick="in_turn"),), pick="in_turn")


def site(document: int, turn: int = 0, role: str = "judge") -> Site:
    return Site(role, f"r{turn}.{role}", "t", f"document {document}", turn=turn)


def test_by_document_one_plays_all_of_an_episode_and_documents_are_shared_out() -> None:
    for document in range(20):
        assert len({BY_DOCUMENT.of(site(document, turn)).endpoint.name for turn in range(5)}) == 1
    dealt = Counter(BY_DOCUMENT.of(site(number)).endpoint.name for number in range(400))
    assert min(dealt.values()) > 150


def test_lists_in_opposite_order_never_meet_on_a_document() -> None:
    for number in range(50):
        assert BY_DOCUMENT.of(site(number)).endpoint != OPPOSITE.of(site(number)).endpoint


def test_in_turn_the_next_step_has_the_next_model() -> None:
    names = [IN_TURN.of(site(7, turn)).endpoint.name for turn in range(4)]
    assert names in (["a", "b", "a", "b"], ["b", "a", "b", "a"])


def test_outside_of_episodes_iterations_are_dealt() -> None:
    names = [BY_DOCUMENT.of(Site("analyzer", f"i{n}.analysis")).endpoint.name for n in (2, 3, 4)]
    assert names == ["a", "b", "a"]


def test_one_model_takes_every_call() -> None:
    assert Seat(A).of(site(1)) == Seat(A)


async def test_each_call_is_recorded_with_who_answered_it_and_asked_once() -> None:
    log = Memory()
    caller = RecordedCaller(log, {"judge": BY_DOCUMENT}, Accounts(Budget()))
    for number in [*range(8), *range(8)]:
        await caller.call(site(number), CHAT)
    calls = [fact.record for fact in log.records(CallRecord)]
    assert len(calls) == 8
    assert {call.endpoint for call in calls} == {"a", "b"} == {call.model for call in calls}
    for call in calls:
        number = int(call.document_id.removeprefix("document "))
        assert call.endpoint == BY_DOCUMENT.of(site(number)).endpoint.name
    await caller.close()


def test_calls_of_one_step_have_one_turn_and_each_role_counts_its_own() -> None:
    asking = asking_of(good_caller())
    places = [("weak", "r0.weak.0"), ("weak", "r0.weak.1"), ("judge", "r0.weak.0.judge")]
    places += [("verifier", "s2.verify"), ("verifier", "s5.verify"), ("weak", "r1.weak.0")]
    assert [asking.at(*place).turn for place in places] == [0, 0, 0, 0, 1, 1]
    assert asking.at("verifier", "s2.verify").turn == 0


async def test_both_seats_of_a_null_episode_are_played_by_the_same_model() -> None:
    """Else what passes there would not be luck, and equal solvers would not be equal."""
    caller = good_caller()
    await episode(whole_round, caller, cell=Cell(DOCUMENT.id, "validation", -1))
    played: dict[str, set[str]] = {}
    for one, _ in caller.of("strong"):
        for seat in (BY_DOCUMENT, IN_TURN):
            played.setdefault(one.ordinal.split(".")[0], set()).add(seat.of(one).endpoint.name)
    assert played
    for place in played:
        sites = [one for one, _ in caller.of("strong") if one.ordinal.startswith(f"{place}.")]
        assert len({IN_TURN.of(one).endpoint.name for one in sites}) == 1


async def test_who_audits_an_example_is_another_one_than_who_verified_it_in_turn() -> None:
    caller = good_caller()
    await episode(whole_round, caller)
    verified = [one for one, _ in caller.of("verifier") if ".probe." not in one.ordinal]
    assert [one.ordinal.split(".")[1] for one in verified] == ["verify", "audit"]
    assert len({IN_TURN.of(one).endpoint.name for one in verified}) == 2
