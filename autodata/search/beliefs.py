"""What is believed of an edit, as records and words have it."""

from statistics import NormalDist

from autodata.store.records import EditBelief, EditState

_NORMAL = NormalDist()
_LEVEL = 1.96
LEAST_RATE = 0.02
"""Below this pass rate nothing is said of tokens per accepted example: there are next to none."""


def belief_of(
    number: int,
    effect: tuple[float, float],
    episodes: int,
    state: EditState,
    tokens: tuple[float, float, float] | None,
) -> EditBelief:
    """Return a belief from mean and standard deviation of an effect on the pass rate.

    `tokens` are those an episode takes more with it, those it takes without, and the pass rate
    without: what the edit does to the tokens per accepted example follows.
    """
    mean, sd = effect
    per_example = None
    if tokens is not None:
        more, used, rate = tokens
        if min(rate, rate + mean) >= LEAST_RATE:
            per_example = round((used + more) / (rate + mean) - used / rate, 1)
    return EditBelief(
        number,
        round(mean, 4),
        round(mean - _LEVEL * sd, 4),
        round(mean + _LEVEL * sd, 4),
        round(_NORMAL.cdf(mean / max(1e-9, sd)), 4),
        per_example,
        episodes,
        state,
    )


def reason_of(belief: EditBelief) -> str:
    """Say a belief in one line, with its standard deviation."""
    sd = (belief.high - belief.low) / 2 / _LEVEL
    return (
        f"believed {belief.effect:+.3f} ± {sd:.3f} after {belief.episodes} episodes with it, "
        f"good with probability {belief.good:.2f}"
    )
