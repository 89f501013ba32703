"""Which split of the documents may be measured by hand: never the sealed one."""

from autodata.errors import ConfigurationError
from autodata.harness.knobs import nearest
from autodata.types import Split

MEASURABLE: tuple[Split, ...] = ("validation", "train")
"""Splits that may be measured by hand."""


def split_named(name: str) -> Split:
    """Return the name of a split that may be measured by hand.

    Raises:
        ConfigurationError: it may not, or there is none of that name.
    """
    if name == "test":
        raise ConfigurationError(
            "the test split is sealed: each look at it makes the next certificate harder to get",
            "measure --split validation; to test a run's candidate: autodata certify RUN CANDIDATE",
        )
    for split in MEASURABLE:
        if name == split:
            return split
    raise ConfigurationError(f"there is no split {name!r}", nearest(name, [*MEASURABLE]))
