"""Pictures of values: whatever the names are and whatever is missing, a PNG comes out."""

import sys
from pathlib import Path

import pytest

from autodata.errors import ConfigurationError
from autodata.report.pictures import Plot, check_drawing, dots
from autodata.types import Interval

PNG = b"\x89PNG\r\n"
VALUE = Interval(0.4, 0.3, 0.6, 0.95)
PANEL = Plot("rate", ("one", "two"), {"weak": [VALUE, None], "strong": [VALUE, VALUE]}, (0, 1))


def test_equal_values_give_equal_pictures() -> None:
    drawn = dots([PANEL], "title")
    assert drawn.startswith(PNG)
    assert dots([PANEL], "title") == drawn
    assert dots([PANEL], "another") != drawn


@pytest.mark.parametrize("name", ["$x", "a_$\\frac{$", "试验", "\ud800", "", "x" * 200])
def test_names_are_drawn_as_they_are_whatever_they_hold(name: str) -> None:
    """They are a user's, or a model's: dollars are no formula, and what no font has is no fault."""
    assert dots(
        [Plot(name, (name,), {name or "s": [VALUE], f"_{name}": [VALUE]})], name
    ).startswith(PNG)


def test_what_is_not_known_is_left_out() -> None:
    empty = Plot("none", ("one", "two"), {"weak": [None, None]})
    assert dots([PANEL, empty]).startswith(PNG)
    with pytest.raises(ValueError, match="needs a panel"):
        dots([])


def test_without_matplotlib_the_fix_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ConfigurationError) as caught:
        check_drawing(tmp_path / "a.png")
    assert "autodata[pictures]" in caught.value.fix
