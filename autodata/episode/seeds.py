"""Seeds of workflows, which tell them nothing of where they are.

A workflow that knew its document, its repeat or its split could behave where it is read, and cheat
where it is certified. So a seed is keyed by a secret of the run: its sealed test documents, which
neither a harness nor an analyzer ever sees. Nothing is stored, and a replay comes to the same.
"""

import hashlib
import hmac
from collections.abc import Iterable

from autodata.types import Cell


def secret_of(test_documents: Iterable[str]) -> bytes:
    """Return the secret of a run with these sealed documents, given by their ids."""
    return hashlib.sha256(":".join(sorted(test_documents)).encode()).digest()


def workflow_seed(secret: bytes, cell: Cell) -> int:
    """Return the seed a workflow gets: its own for every document and repeat."""
    place = f"{cell.document_id}:{cell.repeat}".encode()
    return int.from_bytes(hmac.digest(secret, place, "sha256")[:4])
