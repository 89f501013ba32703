"""A small opinion, an exercise from it, and what the models of a legal run say about it."""

from autodata.domains.legal import LegalReply
from autodata.types import Document, Example, Json

OPINION = Document(
    "1" * 16,
    "opinion.md",
    "The tenant stored nitrocellulose film in the warehouse. The lease forbade hazardous stock, "
    "and the landlord, who had watched the deliveries for two years and taken the rent, ended it. "
    "We hold that a landlord waives a forfeiture covenant when, with knowledge of the breach, it "
    "accepts rent that fell due afterwards. The waiver reaches the breach that was known and no "
    "later one of another kind; a clause that no acceptance of rent is a waiver is itself waived "
    "by a course of dealing. The burden of showing knowledge lies with the tenant. " * 4,
)
CAPABILITIES = ("applying a waiver test", "weighing facts", "finding the limit of a rule")
_MERITS = (
    "Says that taking rent after knowing of the breach gave up the right to end the lease",
    "Says that what counts is whether the owner knew of the dogs when the rent was taken",
    "Says that the tenant has to show that the owner knew",
    "Uses the owner's visits in March as a sign of knowledge",
    "Uses the three months of rent that were taken afterwards",
    "Says that the clause about acceptance may have lost its force by what they did for years",
    "Says that the waiver does not cover the aquarium, which came later",
    "Distinguishes dogs from the aquarium as another kind of breach",
    "Says that rent which was due before the visit does not count",
    "Says that the letter of June cannot revive what was given up",
    "Advises to keep paying rent on time",
    "Advises to collect proof of the visits",
    "Says that the outcome for the dogs is likely good for the tenant",
    "Says that the outcome for the aquarium is open",
    "Names that the owner could argue he saw a visitor's dogs",
)
LINES: tuple[Json, ...] = (
    *(
        {
            "number": number,
            "criterion": text,
            "category": "application",
            "capability": CAPABILITIES[number % 3],
            "weight_class": "important",
            "weight": 6,
        }
        for number, text in enumerate(_MERITS, 1)
    ),
    {
        "number": 16,
        "criterion": "Asserts that a no-pets clause can never be given up",
        "category": "error",
        "capability": CAPABILITIES[0],
        "weight_class": "negative",
        "weight": -4,
    },
)
QUESTION = (
    "My flat does not allow pets. I have had two dogs since January, and the owner met them in "
    "the hall in March and only laughed. He took my money every month since then. In May I also "
    "set up a big fish tank. Now he has written that I must be out because of the animals. The "
    "papers say that taking my money means nothing. Can he do that to me?"
)
REPLY: Json = {
    "primary_capabilities": list(CAPABILITIES[:2]),
    "secondary_capabilities": [CAPABILITIES[2]],
    "rewarded": "telling the known breach from the later one",
    "penalised": "reading the clause as the last word",
    "question": QUESTION,
    "answer": "REFERENCE: For the dogs you have good cards. A landlord who with knowledge of a "
    "breach accepts rent that fell due afterwards waives the forfeiture for it, and he saw them.",
    "rubric": list(LINES),
}
EXERCISE: Example = LegalReply.model_validate(REPLY).example()
EXTRACT: Json = {
    "suitable": True,
    "note": "",
    "document_type": "opinion of a state court",
    "topics": ["leases", "waiver"],
    "issues": ["When does taking rent give up the right to end a lease?"],
    "facts": "A tenant stored film.",
    "holdings": ["A landlord waives a forfeiture by accepting later rent with knowledge."],
}


def loop_judged(verdict: str, suggestion: str = "") -> Json:
    """A loop-judge's reply."""
    return {
        "weak_pattern": "misses the later breach",
        "strong_pattern": "finds it in most rollouts",
        "gap_kind": "fertile" if verdict == "accept" else "none",
        "rubric_concerns": "",
        "suitability": "high" if verdict == "accept" else "low",
        "verdict": verdict,
        "reason": "The strong solver applies the limit of the rule.",
        "suggestion": suggestion,
    }
