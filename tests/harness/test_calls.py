"""Host calls: what a workflow is checked against is part of a prompt, too."""

import hashlib

from autodata.harness.calls import stubs


def test_the_declarations_are_those_that_journaled_calls_have_read() -> None:
    """Every word of them goes to the implementer: with another one no call of a run is found."""
    assert hashlib.sha256(stubs().encode()).hexdigest()[:16] == "c1dfbcde07ac161f"
