"""Sort keys: what files under what, and that no text is too odd to file."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from backend.catalogue import catalogue
from backend.catalogue.folding import fold
from backend.catalogue.sorting import author_sort, title_sort
from contracts.records import why_unusable

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=80)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("The  Cat\tSat", "the cat sat"),
        ("Brontë", "bronte"),
        ("Bronte\u0308", "bronte"),
        ("Ångström", "angstrom"),
        ("Straße", "strasse"),
        ("Æsir Œuvre Ørsted Łódź Đặng Ðor Þór", "aesir oeuvre orsted lodz dang dor thor"),
        ("\u0130stanbul \u0131rmak", "istanbul irmak"),
        ("O'Brien O\u2019Brien", "obrien obrien"),
        ("Catch-22: a novel!", "catch 22 a novel"),
        ("ﬁn ﬂ\u2460", "fin fl1"),
        ("\u0412\u043e\u0439\u043d\u0430", "\u0432\u043e\u0439\u043d\u0430"),
        ("\u0939\u093f\u0928\u094d\u0926\u0940", "\u0939\u093f\u0928\u094d\u0926\u0940"),
        ("\u6d77\u8fba\u306e\u30ab\u30d5\u30ab", "\u6d77\u8fba\u306e\u30ab\u30d5\u30ab"),
        ("?!", ""),
    ],
)
def test_folding_keeps_words_and_drops_case_marks_and_punctuation(text: str, folded: str) -> None:
    assert fold(text) == folded


@pytest.mark.parametrize(
    ("title", "key"),
    [
        ("The Left Hand of Darkness", "left hand of darkness"),
        ("A Wizard of Earthsea", "wizard of earthsea"),
        ("an Unkindness of Ghosts", "unkindness of ghosts"),
        ("L'Étranger", "etranger"),
        ("L\u2019Étranger", "etranger"),
        ("Les Misérables", "miserables"),
        ("El amor en los tiempos del cólera", "amor en los tiempos del colera"),
        ("Der Prozess", "prozess"),
        ("\u201cThe Great Gatsby\u201d", "great gatsby"),
        # No article: the word goes on, stands alone, carries an accent, or is an English word.
        ("Theatre", "theatre"),
        ("Anathem", "anathem"),
        ("The", "the"),
        ("A", "a"),
        ("À la recherche du temps perdu", "a la recherche du temps perdu"),
        ("Die Hard", "die hard"),
        ("A!", "a"),
        ("The ?", "the"),
    ],
)
def test_a_title_files_without_its_initial_article(title: str, key: str) -> None:
    assert title_sort(title) == key


@pytest.mark.parametrize(
    ("author", "key"),
    [
        ("Jane Austen", "austen, jane"),
        ("Homer", "homer"),
        ("Ursula K. Le Guin", "le guin, ursula k"),
        ("Daphne du Maurier", "maurier, daphne du"),
        ("Daphne Du Maurier", "du maurier, daphne"),
        ("Ludwig van Beethoven", "beethoven, ludwig van"),
        ("Oscar De La Hoya", "de la hoya, oscar"),
        ("Gabriel García Márquez", "marquez, gabriel garcia"),
        ("Tolkien, J. R. R.", "tolkien, j r r"),
        ("García Márquez, Gabriel", "garcia marquez, gabriel"),
        ("Martin Luther King Jr.", "king, martin luther jr"),
        ("Martin Luther King, Jr.", "king, martin luther jr"),
        ("Terry Pratchett and Neil Gaiman", "pratchett, terry"),
        ("Terry Pratchett & Neil Gaiman", "pratchett, terry"),
        ("Arkady Strugatsky; Boris Strugatsky", "strugatsky, arkady"),
        ("Alexander Sand", "sand, alexander"),
        ("Van Morrison", "morrison, van"),
        ("  Mary   Shelley ", "shelley, mary"),
        (", Anon", "anon"),
        ("Jr.", "jr"),
        ("& ?", ""),
        ("?!", ""),
    ],
)
def test_an_author_files_surname_first(author: str, key: str) -> None:
    assert author_sort(author) == key


def test_a_book_is_shelved_by_author_and_then_title() -> None:
    entry = catalogue("Ursula K. Le Guin", "The Left Hand of Darkness")
    assert entry.shelf_mark == ".L44 L44"
    assert entry.author_sort == "le guin, ursula k"
    assert entry.title_sort == "left hand of darkness"


@given(ANY_TEXT, ANY_TEXT)
def test_any_text_at_all_is_catalogued_and_can_be_stored(author: str, title: str) -> None:
    entry = catalogue(author, title)
    for text in (entry.shelf_mark, entry.author_sort, entry.title_sort):
        assert not text or why_unusable(text) is None


@given(ANY_TEXT)
@example("0\U00011d8f\u0300")  # a mark behind what is no letter
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)
