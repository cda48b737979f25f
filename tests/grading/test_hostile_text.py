"""Text from strangers: what acts is spelt out, and a file name stays where it is put."""

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dlcourse.grading.hostile_text import file_names, visible

ANY_CHARACTER = st.characters(exclude_categories=())
TEXT = st.text(st.one_of(st.sampled_from("<>&\"'/=+-@;,|\t\r\n \x00\x1b\u202e＝"), ANY_CHARACTER))


def acts(character: str) -> bool:
    """Whether a terminal, a page or a reader's eye would obey this character (the joiners spell Persian)."""
    kept = "\n\u200c\u200d"
    return character not in kept and unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")


@given(TEXT)
@example("Z" + "\u0301" * 500)
def test_visible_text_is_printable_and_stays_as_it_is(text):
    shown = visible(text)
    assert not any(acts(character) for character in shown)
    assert visible(shown) == shown
    assert re.search("\u0301{5}", shown) is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x07\x00\x7f\x9b", r"\x1b[2J\x07\x00\x7f\x9b"),
        ("\u202eexe\u2066\ufeff\u00ad", r"\u202eexe\u2066\ufeff\xad"),
        ("\ud800\U000e0041", r"\ud800\U000e0041"),
        ("a\tb\u00a0c\u3000d\r\ne", "a    b c d\ne"),
        ("فاطمة Zoë Nguyễn می\u200cخواهم 👩\u200d🔬", "فاطمة Zoë Nguyễn می\u200cخواهم 👩\u200d🔬"),
    ],
    ids=["controls", "directions", "no characters", "spaces", "names"],
)
def test_what_acts_is_spelt_out_and_what_people_are_called_is_not(text, shown):
    assert visible(text) == shown


DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)
SIMILAR = st.sampled_from(["a/b", "a b", "A_B", "ａ_b", "CON", "con", "NUL", "..", "", "é", "e\u0301", "É", "ß", "SS"])


@given(st.lists(st.one_of(SIMILAR, TEXT, st.text(ANY_CHARACTER, min_size=60, max_size=120)), max_size=8))
def test_file_names_are_safe_and_no_two_are_one_file(names):
    found = file_names(names)
    assert len(found) == len(names)
    as_macos_sees_them = {unicodedata.normalize("NFD", name).casefold() for name in found}
    assert len(as_macos_sees_them) == len(names)
    for name in found:
        assert 0 < len(name.encode()) <= 110
        assert not set(name) & set("/\\:*?\"<>|.;'`$&!~%^\n\r\t \x00")
        assert not name.startswith("-")
        assert DEVICES.fullmatch(name) is None
        assert name.isprintable()


def test_whose_file_is_which_does_not_hang_on_the_order():
    names = ["a/b", "a b", "A_B", "Ada Lovelace"]
    assert dict(zip(names, file_names(names), strict=True)) == dict(
        zip(names[::-1], file_names(names[::-1]), strict=True)
    )
