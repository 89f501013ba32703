"""A document, and an exercise from it in the form of the code domain, with right and wrong modules.

Three harbours have the same rules with other numbers, so that a run has three documents.
"""

from collections.abc import Mapping

from autodata.types import Document, Example, Json

HARBOURS: Mapping[str, tuple[int, int]] = {"Ludd": (3, 40), "Varn": (2, 55), "Oster": (4, 30)}
"""Free days and the fee of a begun day, by harbour."""


def rules(harbour: str) -> str:
    """The document: the dues of a harbour."""
    free, fee = HARBOURS[harbour]
    return (
        f"Berthing dues of the harbour of {harbour}. A vessel pays {fee} crowns for each day "
        f"begun at the quay. The first {free} days of a stay are free of dues unless the vessel "
        "discharges ballast; a vessel that discharges ballast pays from its first day. A pilot "
        "cutter never pays, whatever it discharges. No stay costs more than ten days' dues. The "
        "harbourmaster of that time wrote that the cap had been asked for by the masters of the "
        "herring fleet, who lay at the quay for weeks when the ice came early. "
    ) * 3


def exercise(harbour: str) -> Json:
    """The challenger's reply."""
    free, fee = HARBOURS[harbour]
    solution = f"""\
def berthing_dues(days, ballast=False, pilot_cutter=False):
    if days < 0:
        raise ValueError("a stay has no negative days")
    if pilot_cutter:
        return 0
    begun = days if ballast else max(0, days - {free})
    return {fee} * min(begun, 10)
"""
    tests = [
        "assert berthing_dues(0) == 0",
        f"assert berthing_dues({free}) == 0",
        f"assert berthing_dues({free + 1}) == {fee}",
        f"assert berthing_dues({free + 2}) == {2 * fee}",
        f"assert berthing_dues(1, True) == {fee}",
        f"assert berthing_dues({free}, ballast=True) == {free * fee}",
        "assert berthing_dues(9, True, True) == 0",
        f"assert berthing_dues(9, True) == {9 * fee}",
        f"assert berthing_dues(10, True) == {10 * fee}",
        f"assert berthing_dues(11, True) == {10 * fee}",
        f"assert berthing_dues({free + 10}) == {10 * fee}",
        f"assert berthing_dues({free + 11}) == {10 * fee}",
        "assert raises(ValueError, lambda: berthing_dues(-1))",
        "assert raises(ValueError, lambda: berthing_dues(-1, False, True))",
    ]
    question = (
        "Write `berthing_dues(days: int, ballast: bool = False, pilot_cutter: bool = False) -> int`"
        f" for the harbour of {harbour}: what a vessel pays in crowns for a stay of so many begun "
        f"days at the quay. Each costs {fee}. The first {free} are free of dues, but not for who "
        "discharges ballast. Pilot cutters owe nothing, even then. The dues of a stay are capped "
        "at those of ten paid days. A negative number of days is a ValueError for every vessel, "
        "also a cutter."
    )
    return {
        "kind": "accounting",
        "skills": ["order of rules", "boundaries"],
        "context": "",
        "question": question,
        "solution": solution,
        "tests": tests,
        "answer": "",
        "rubric": [],
    }


def right(harbour: str) -> str:
    """A module that passes the tests, as a solver writes it."""
    free, fee = HARBOURS[harbour]
    return (
        "The cutter comes first, after the check.\n```python\n"
        "def berthing_dues(days, ballast=False, pilot_cutter=False):\n"
        '    if days < 0:\n        raise ValueError("negative")\n'
        f"    paid = 0 if pilot_cutter else days - (0 if ballast else {free})\n"
        f"    return {fee} * max(0, min(paid, 10))\n```"
    )


WRONG = (
    "```python\ndef berthing_dues(days, ballast=False, pilot_cutter=False):\n"
    "    return 40 * days\n```"
)
LOOK: Json = {
    "place": "Berthing dues",
    "from_document": True,
    "known": False,
    "unforced": [],
    "wrong": "",
    "shows_solution": False,
    "feedback": "",
}
STRANGE: Json = {**LOOK, "from_document": False, "feedback": "another document's"}
"""What a verifier says that is shown another document."""


def document(harbour: str) -> Document:
    """A document of the rules."""
    return Document(harbour.lower().ljust(16, "0"), harbour, rules(harbour))


def example(harbour: str) -> Example:
    """The exercise as an example."""
    given = exercise(harbour)
    tests = "\n".join(given["tests"])
    answer = f"{given['solution'].strip()}\n\n\n{tests}\n"
    return Example(given["question"], answer, "", (), given["kind"], tuple(given["skills"]))
