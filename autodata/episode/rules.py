"""The rules of an episode in words and numbers, rendered from the protocol that decides by them.

They are shown to whoever edits a harness, and to a harness's own models where a prompt of it has
the variable `{{rules}}`: who is not told what is refused, cannot avoid it. Nothing here decides.
"""

from collections.abc import Iterator

from autodata.domains.base import Domain
from autodata.domains.texts import MOST_ANSWER, MOST_CRITERION, MOST_SHOWN
from autodata.episode.acceptance import CORRECT, NUMBERS, Policy
from autodata.episode.confirmation import LOSSES, needed
from autodata.episode.gates import MOST_AUDITS
from autodata.episode.meter import MOST_FAILED
from autodata.episode.probes import LEAST_GOOD, MOST_BAD
from autodata.episode.protocol import ASKED, TaskProtocol, Team
from autodata.errors import PluginFailed
from autodata.harness.knobs import MANIFEST
from autodata.harness.spec import LIMITS, TOTAL_LIMIT
from autodata.types import Document, Example, SolverRole

REASONS = {
    "weak_mean_max": "weak mean too high",
    "weak_mean_below": "weak mean too high",
    "weak_max": "a weak sample too good",
    "weak_none_zero": "a weak sample scored zero",
    "strong_mean_min": "strong mean too low",
    "strong_mean_below": "strong mean too high",
    "strong_none_zero": "a strong sample scored zero",
    "gap_min": "gap too small",
    "weak_correct_max": "weak correct too often",
    "strong_correct_min": "strong correct too seldom",
    "majority": "strong majority wrong, or weak majority correct",
}
"""What is said of an example that breaks a number of the policy."""

_SHOWN = Document("0" * 16, "the document", "[the whole document]")
_PLACES = Example("[question]", "[answer]", "[context]")


def acceptance_rules(protocol: TaskProtocol, team: Team) -> str:
    """Return when an example counts: for those who write examples."""
    domain, policy = protocol.domain, protocol.policy
    lines = [
        "These rules are fixed; the host decides by its own records. In double quotes: the reason "
        "that is given for an example that breaks a rule.",
        *_seats(domain, team),
        *_screen(domain, policy),
        *_confirmation(policy),
        *_gates(domain, team),
        *_checks(domain),
    ]
    return "\n".join(f"- {line}" for line in lines)


def episode_rules(protocol: TaskProtocol, team: Team) -> str:
    """Return what a workflow may do in an episode: for those who edit harnesses."""
    domain = protocol.domain
    asked = [role for role in ASKED if role in team.roles]
    missing = [role for role in ASKED if role not in team.roles]
    lines = [
        "An episode is one document, and is accepted with its first example that is: retries "
        f"count, and later examples are never tried. At most {protocol.max_rounds} different "
        "examples are tried; handing over one more ends the episode. An example equal to an "
        "earlier one, but for letter case and punctuation, is the same try again.",
        f"It makes at most {protocol.max_calls} model calls, those of solvers and judge included, "
        "those of the gates not. "
        f"The {_nth(MOST_FAILED)} step whose call fails ends it.",
        f"A workflow may ask: {', '.join(asked) or 'no model'}."
        + (f" Nobody plays {', '.join(missing)}: a step that asks them fails." if missing else "")
        + " Solvers, judge, and the protocol's own verifier have prompts that no edit reaches.",
        _order(domain.together),
        "A step that fails, as a model's reply was of no use, raises ValueError in the workflow. "
        "Any other exception ends the episode as rejected, and so does running for 10 s.",
        "The host draws the seed of a workflow anew for every document and repeat; nothing else "
        "tells a workflow where it is.",
    ]
    return "\n".join(f"- {line}" for line in lines)


def _order(together: bool) -> str:
    if together:
        return (
            "`attempt` asks both solvers at once, whichever is named, and its `reason` holds the "
            "loop-judge's suggestion."
        )
    return (
        "`attempt('strong', example)` returns without asking anybody where the weak solver was not "
        "asked before, or its rules are broken."
    )


def edit_rules(most_prompt_chars: int = 0, cost_bound: float = 0.0) -> str:
    """Return what an edit may change, and what is forbidden."""
    sizes = ", ".join(f"{path} {most:,}" for path, most in LIMITS.items() if path != MANIFEST)
    lines = [
        f"An edit may change {', '.join(path for path in LIMITS if path != MANIFEST)}, and values "
        f"of knobs within their ranges. {MANIFEST} itself, names and ranges of knobs are fixed. "
        "No file may be removed or added beside these.",
        f"Characters of a file at most: {sizes}; of all files {TOTAL_LIMIT:,}.",
        "Forbidden: text of any document in a prompt or workflow (it is looked for), a table of "
        "what to do on which document, telling solvers or graders what to answer, and whatever "
        "else makes examples pass without being better.",
    ]
    if most_prompt_chars:
        lines.append(f"All prompts together have at most {most_prompt_chars:,} characters.")
    if cost_bound:
        lines.append(
            f"A harness whose episode costs clearly more than {cost_bound:g} times its parent's is "
            "rejected, whatever it gains."
        )
    return "\n".join(f"- {line}" for line in lines)


def _seats(domain: Domain, team: Team) -> Iterator[str]:
    for seat in ("weak", "strong"):
        role: SolverRole = "weak" if seat == "weak" else "strong"
        settings = team.settings(role)
        try:
            asked = domain.question(_SHOWN, _PLACES, settings)
        except PluginFailed:
            continue  # a domain may know no other examples than its own
        text = asked.prompt or "\n".join(message.content for message in asked.messages)
        vote = f" {settings.majority} replies are put to a vote." if settings.majority > 1 else ""
        yield f"The {role} solver is shown exactly this: {' '.join(text.split())!r}.{vote}"


def _screen(domain: Domain, policy: Policy) -> Iterator[str]:
    weak, strong = policy.weak_samples, policy.strong_samples
    if domain.together:
        yield (
            f"Screen: {weak} answers of the weak solver and {strong} of the strong one are drawn "
            "together, scored from 0 to 1, and shown to a loop-judge, criterion by criterion. It "
            'accepts the example, else "the loop-judge wants it improved", with its suggestion.'
        )
    else:
        yield (
            f"Screen: {weak} answers of the weak solver are scored from 0 to 1; only if they keep "
            f"the rules for it, {strong} of the strong one. Sampling stops early where counts are "
            "settled."
        )
    for name, words in NUMBERS.items():
        value = getattr(policy, name)
        if name in REASONS and value not in (None, False):
            shown = words.replace("so many", str(value)).replace("this", str(value))
            yield f'{shown[0].upper()}{shown[1:]}, else "{REASONS[name]}".'
    if policy.majority or policy.weak_correct_max is not None or policy.strong_correct_min:
        yield f"An answer is right if it scores above {CORRECT:g}."


def _confirmation(policy: Policy) -> Iterator[str]:
    if not policy.confirm:
        return
    first, second = needed(1), needed(2)
    yield (
        "Confirmation: what passes the screen is tried again by fresh answers in pairs, one of "
        "each solver, until the strong one has done better in "
        + ", ".join(f"{won} pairs with {lost} lost" for lost, won in enumerate(first))
        + f"; ties do not count, and {LOSSES} lost pairs end it. The second example of an episode "
        f"that comes so far needs {second[0]} to {second[-1]}, and so on: it does not pay to retry "
        'what is hardly better. Means must keep the same bounds. Else "not confirmed: ...".'
    )


def _gates(domain: Domain, team: Team) -> Iterator[str]:
    if "judge" in team.roles:
        yield (
            "Where an example has a rubric, the judge must grade an answer that says nothing and a "
            f"good answer to another question below {MOST_BAD:g}, and the reference answer at "
            f'{LEAST_GOOD:g} or above, else "a probe failed: ...".'
        )
    if domain.verifier_prompt:
        yield (
            "The protocol's own verifier then looks at document and example: "
            f'{domain.verified}, else "failed the protocol\'s verifier". {MOST_AUDITS} near copies '
            "are looked at in an episode."
        )
    if team.settings("strong").privileged and domain.verifier_prompt:
        yield 'Context and question suffice, else "only who sees the document can answer".'
    yield 'With another document the example must be refused, else "a probe failed: ...".'


def _checks(domain: Domain) -> Iterator[str]:
    bounds = (
        f"At most {domain.most_answer:,} characters of an answer without rubric, {MOST_ANSWER:,} "
        f"with one, {MOST_SHOWN:,} of context and of question, {MOST_CRITERION} of a criterion on "
        "one line."
    )
    yield f"Before any solver is asked, an example is checked. {bounds}"
    for reason, meaning in domain.checks().items():
        yield f'"{reason}"{": " if meaning else ""}{meaning}'


def _nth(number: int) -> str:
    return {1: "first", 2: "second", 3: "third"}.get(number, f"{number}th")
