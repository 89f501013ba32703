"""Null episodes: the strong role in both seats, and nothing in common with an honest episode."""

from autodata.domains.base import RoleSettings
from autodata.episode.acceptance import PRESETS
from autodata.episode.evaluator import episode_key
from autodata.models.base import Request, Site, call_key
from autodata.types import Cell, Episode
from tests.support.episodes import (
    CELL,
    DOCUMENT,
    Answer,
    FakeCaller,
    episode,
    good_caller,
    protocol_of,
    team_of,
    verdicts,
    whole_round,
)

NULL = Cell(DOCUMENT.id, "train", -1)
WEAK = RoleSettings(temperature=0.3, max_tokens=7)
STRONG = RoleSettings(temperature=0.9, max_tokens=70, majority=3)


async def played(cell: Cell, caller: FakeCaller, strong: RoleSettings = STRONG) -> Episode:
    team = team_of(caller, weak=WEAK, strong=strong)
    return await episode(whole_round, caller, protocol_of(preset="paper-deployed"), team, cell=cell)


async def test_the_strong_role_has_both_seats_with_its_temperature_limit_and_votes() -> None:
    caller = good_caller()
    found = await played(NULL, caller)
    assert not caller.of("weak")
    weak_seat = [(site, request) for site, request in caller.calls if ".weak." in site.ordinal]
    solving = [request for site, request in weak_seat if site.role == "strong"]
    assert len(solving) == 3 * PRESETS["paper-deployed"].weak_samples
    assert {(r.temperature, r.max_tokens) for r in solving} == {(0.9, 70)}
    assert {attempt.role for attempt in found.rounds[0].attempts} == {"weak", "strong"}
    honest = good_caller()
    await played(CELL, honest)
    assert {(r.temperature, r.max_tokens) for _, r in honest.of("weak")} == {(0.3, 7)}


async def test_a_privileged_strong_role_sees_the_document_in_both_seats() -> None:
    caller = good_caller()
    await played(NULL, caller, RoleSettings(privileged=True))
    told = [" ".join(m.content for m in request.messages) for _, request in caller.of("strong")]
    assert not caller.of("weak")
    assert all("SECRET PAPER" in text for text in told)


async def test_no_call_of_a_null_episode_is_one_of_an_honest_episode() -> None:
    keys = []
    for cell in (CELL, NULL, Cell(DOCUMENT.id, "train", -2)):
        caller = good_caller()
        await played(cell, caller, RoleSettings())
        keys.append({call_key(site, "e", "m", request) for site, request in caller.calls})
        assert all(len(kept) > 5 for kept in keys)
    assert sum(map(len, keys)) == len(set.union(*keys))
    names = {episode_key("tree", cell) for cell in (CELL, NULL, Cell(DOCUMENT.id, "train", -2))}
    assert len(names) == 3


async def test_an_example_that_tells_models_apart_passes_honestly_and_never_as_null() -> None:
    def by_answer(site: Site, request: Request) -> Answer:
        good = "remembering is cheaper" in request.messages[-1].content
        return verdicts(good, not good)

    for cell, status in ((CELL, "accepted"), (NULL, "rejected")):
        caller = good_caller(strong="remembering is cheaper", judge=by_answer)
        assert (await played(cell, caller, RoleSettings())).status == status
