"""The corpus of simulated runs: the topics of CPython 3.11.7; those of others differ a little."""

import pytest

from autodata.config.schema import Documents
from autodata.documents.corpus import read_corpus
from autodata.documents.splits import split_digest

TOPICS = "9940e28897d87cc3"

of_these_topics = pytest.mark.skipif(
    split_digest(read_corpus(Documents()).documents) != TOPICS,
    reason="numbers of other documents: this Python has not the topics of CPython 3.11.7",
)
