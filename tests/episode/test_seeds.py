"""Seeds of workflows: one for each document and repeat, and no way back."""

import hashlib

from autodata.episode.seeds import secret_of, workflow_seed
from autodata.types import Cell

IDS = [hashlib.sha256(str(number).encode()).hexdigest()[:16] for number in range(20)]
CELLS = [Cell(document, "test", repeat) for document in IDS[:10] for repeat in range(50)]


def test_every_document_and_repeat_has_a_seed_of_its_own() -> None:
    secret = secret_of(IDS)
    assert len({workflow_seed(secret, cell) for cell in CELLS}) == len(CELLS)


def test_a_seed_is_the_same_whenever_a_run_is_carried_out_again() -> None:
    secret, again = secret_of(IDS), secret_of(reversed(IDS))
    assert workflow_seed(secret, CELLS[0]) == workflow_seed(again, CELLS[0])


def test_whoever_lacks_one_test_document_cannot_tell_the_place_from_a_seed() -> None:
    seeds = [workflow_seed(secret_of(IDS), cell) for cell in CELLS]
    for secret in (secret_of(IDS[:-1]), secret_of([]), b""):
        guessed = {workflow_seed(secret, cell): cell for cell in CELLS}
        assert not any(guessed.get(seed) for seed in seeds)
    plain = {
        int.from_bytes(hashlib.sha256(f"{c.document_id}:{c.repeat}".encode()).digest()[:4])
        for c in CELLS
    }
    assert not plain & set(seeds)
