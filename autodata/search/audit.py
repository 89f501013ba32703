"""Scoring of the analyzer's predictions once the outcomes are known."""

from collections.abc import Mapping, Sequence

from autodata.search.base import Prediction
from autodata.types import Json, Outcome


def audit(
    predictions: Sequence[Prediction], before: Sequence[Outcome], after: Sequence[Outcome]
) -> Json:
    """Compare predicted probabilities of acceptance with what the mutant then did.

    `brier` is the mean squared error of the probabilities; `brier_base` that of someone who says
    "as before the edit" (one success and one failure added); `hit_rate` the share of predictions
    on the right side of one half, `base_rate` the share that guessing the commoner outcome would
    get. Empty when no prediction has an outcome.
    """
    results = {outcome.cell.document_id: float(outcome.accepted) for outcome in after}
    scored = [p for p in predictions if p.document_id in results]
    if not scored:
        return {}
    truth = [results[p.document_id] for p in scored]
    rate = sum(truth) / len(truth)
    earlier = _rates(before)
    unknown = (sum(o.accepted for o in before) + 1) / (len(before) + 2)
    errors = [(p.probability - t) ** 2 for p, t in zip(scored, truth, strict=True)]
    base = [
        (earlier.get(p.document_id, unknown) - t) ** 2 for p, t in zip(scored, truth, strict=True)
    ]
    hits = [(p.probability >= 0.5) == (t == 1.0) for p, t in zip(scored, truth, strict=True)]
    return {
        "predictions": len(scored),
        "brier": round(sum(errors) / len(errors), 4),
        "brier_base": round(sum(base) / len(base), 4),
        "hit_rate": round(sum(hits) / len(hits), 4),
        "base_rate": round(max(rate, 1 - rate), 4),
    }


def _rates(outcomes: Sequence[Outcome]) -> Mapping[str, float]:
    grouped: dict[str, list[bool]] = {}
    for outcome in outcomes:
        grouped.setdefault(outcome.cell.document_id, []).append(outcome.accepted)
    return {document: (sum(seen) + 1) / (len(seen) + 2) for document, seen in grouped.items()}


def audit_belief(predictions: Sequence[Prediction], good: float) -> Json:
    """Compare the probability that an edit is good with what was believed when it was decided.

    There is one, of no single document; the scores are those expected if `good` is the truth. Who
    knows nothing says one half.
    """
    bet = next((p.probability for p in predictions if not p.document_id), None)
    if bet is None:
        return {}
    return {
        "predictions": 1,
        "brier": round(good * (1 - bet) ** 2 + (1 - good) * bet**2, 4),
        "brier_base": 0.25,
        "hit_rate": round(good if bet >= 0.5 else 1 - good, 4),
        "base_rate": 0.5,
    }
