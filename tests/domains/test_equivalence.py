"""What a computation vouches for; with the real math-verify, in this process."""

import pytest

from autodata.domains.expressions import next_one

equivalence = pytest.importorskip(
    "autodata.domains.equivalence", reason="needs the extra `math`", exc_type=ImportError
)


@pytest.mark.parametrize(
    ("key", "answer", "wanted"),
    [
        ("x^2+2x+1", "(x+1)^2", "same"),
        (r"\frac{\pi}{4}", r"\pi/4", "same"),
        (r"e^{-t}\cos t", r"\cos(t)e^{-t}", "same"),
        ("y=x^2", "x^2", "same"),
        (r"\binom{n}{2}", "n(n-1)/2", "same"),
        ("x^2", "x^2+1", "different"),
        (r"\sin 2x", r"\sin(2)x", "different"),
        ("y=x^2", "y=x^3", "different"),
        (r"\sqrt{x^2}", "x", "unknown"),
        ("C_1e^x", "Ae^x", "unknown"),
        ("y=x^2", "z=x^2", "unknown"),
        ("f(x)", "f(x)+1", "unknown"),
        ("x^{2}+", "x^2", "unknown"),
    ],
)
def test_only_what_is_sure_is_said(key: str, answer: str, wanted: str) -> None:
    assert equivalence.compared(key, answer) == wanted


@pytest.mark.parametrize(
    ("key", "number"), [(r"\frac{4}{2}", True), ("2^{10}", True), (r"\sqrt{2}", False)]
)
def test_a_key_is_tried_on_itself_and_on_one_more(key: str, number: bool) -> None:
    found = equivalence.examined(key, next_one(key))
    assert found == {"itself": "same", "next": "different", "number": number}
