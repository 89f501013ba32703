"""Origin by rare words: an example must share with its document what others do not have."""

from autodata.domains.origin import rare_share
from autodata.domains.research import Research, ResearchSettings
from autodata.types import Document, Example

WHALES = Document("w", "whales", "Sperm whales dive for squid, by clicks, to 2200 metres. " * 3)
BRIDGES = Document("b", "bridges", "Suspension bridges hang a deck from cables and anchors. " * 3)
CLOCKS = Document("c", "clocks", "An escapement lets a gear train advance one tooth a swing. " * 3)
ABOUT_WHALES = Example("How deep do sperm whales dive?", "2200 metres", "They hunt squid below.")
GOLDEN = Example("What is seventeen times twenty-three?", "391", "Multiply both numbers mentally.")


def test_rare_words_are_those_of_no_other_document() -> None:
    assert rare_share("squid whales", WHALES, [BRIDGES]) == 1
    assert rare_share("squid cables", WHALES, [BRIDGES]) == 1
    assert rare_share("squid unicorns", WHALES, [BRIDGES]) == 0.5
    assert rare_share("cables anchors", WHALES, [BRIDGES]) == 0
    assert rare_share("", WHALES, []) == 0


def test_numbers_count_and_short_words_do_not() -> None:
    assert rare_share("2200 of by an", WHALES, []) == 1
    assert rare_share("of by 7", WHALES, []) == 0


def test_a_script_without_spaces_is_compared_by_pairs_of_letters() -> None:
    document = Document("z", "z", "\u7f13\u5b58\u4fdd\u7559\u6240\u6709\u7684\u7b54\u6848")
    assert rare_share("\u7f13\u5b58\u4e3a\u4f55\u4fdd\u7559", document, []) > 0.3
    assert rare_share("\u9cb8\u9c7c\u6f5c\u6c34\u5f88\u6df1", document, []) == 0


def test_research_examples_come_from_their_document() -> None:
    others = [BRIDGES, CLOCKS]
    assert Research().origin(WHALES, ABOUT_WHALES, others) == ""
    assert Research().origin(BRIDGES, ABOUT_WHALES, [WHALES, CLOCKS])
    found = Research().origin(WHALES, GOLDEN, others)
    assert found == "fewer than 10% of its rare words are in the document"
    assert Research(ResearchSettings(rare_words=0)).origin(WHALES, GOLDEN, others) == ""


def test_without_other_documents_no_word_is_known_to_be_rare() -> None:
    assert Research().origin(WHALES, GOLDEN, []) == ""


def test_a_document_that_is_nearly_a_copy_of_another_one_tells_nothing() -> None:
    copy = Document("w2", "whales again", f"{WHALES.text} again")
    assert Research().origin(copy, GOLDEN, [WHALES, BRIDGES]) == ""
