"""Tell which characters people cannot see."""

import unicodedata

import idna

_INVISIBLE = frozenset({"Cc", "Cf", "Cn", "Zs", "Zl", "Zp"})
_EMPTY_BRAILLE = "\u2800"


def is_invisible(character: str) -> bool:
    """Return whether a character has no ink: a control character, a space, an ignorable letter."""
    if unicodedata.category(character) in _INVISIBLE or character == _EMPTY_BRAILLE:
        return True
    return not character.isascii() and _is_ignorable(character)


def _is_ignorable(character: str) -> bool:
    # Unicode calls these characters `Default_Ignorable_Code_Point`. Names of sites leave out the
    # same characters (Unicode Technical Standard 46), so the library for these names has the table.
    try:
        return idna.uts46_remap(character, std3_rules=False) == ""
    except idna.IDNAError:
        return False
