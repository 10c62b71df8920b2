"""Texts in Latin letters, for people whose telephone or eyes prefer them. Pure, total, and GSM 7-bit only.

A Georgian, Armenian, Russian or Azerbaijani text has 70 places in a segment; in letters of the GSM 7-bit alphabet
it has 160. Whoever asks for it gets their own language in these letters. A letter says by itself which language's
table it belongs to, so a name in another script than its text comes out right as well.

The tables:

* **Georgian**: the national system of 2002 (State Department of Geodesy and Cartography, and the Institute of
  Linguistics of the Academy of Sciences; Presidential Decree 109 of 24 February 2011), which BGN and PCGN took over
  in 2009. An apostrophe marks the ejectives, as on maps.
* **Armenian**: BGN/PCGN 1981, for the eastern language: ե is `ye` and և `yev` at the beginning of a word and after
  a vowel, ո is `vo` at the beginning but in ով, ու is `u`. An apostrophe marks the aspirates.
* **Russian**: BGN/PCGN 1947: е is `ye` at the beginning of a word and after a vowel, й, ъ or ь. What the GSM
  alphabet does not have is written otherwise: ё is `yo` (not ë), ь is `'` and ъ is `"`.
* **Azerbaijani**: what ICAO Doc 9303, part 3, section 6 puts for the letters that a passport's machine lines lack:
  ə is `e`, ğ `g`, ş `s`, ç `c`, ı and İ `i`. Ö and ü are in the GSM alphabet and stay.

*Is not*: reversible, or a help with pronouncing. None of it has been read by native speakers yet.
"""

import re
import unicodedata

from alerts.segments import Encoding, encoding_of


def _table(pairs: str) -> dict[str, str]:
    """Each letter with what is written for it."""
    return {pair[0]: pair[1:] for pair in pairs.split()}


_GEORGIAN = _table(
    "აa ბb გg დd ეe ვv ზz თt იi კk' ლl მm ნn ოo პp' ჟzh რr სs ტt' უu ფp ქk ღgh ყq' შsh ჩch ცts ძdz"
    " წts' ჭch' ხkh ჯj ჰh"
)
_ARMENIAN = _table(
    "աa բb գg դd եe զz էe ըy թt' ժzh իi լl խkh ծts կk հh ձdz ղgh ճch մm յy նn շsh ոo չch' պp ջj ռrr սs վv տt րr"
    " ցts' ւv փp' քk' օo ֆf ևev"
)
_RUSSIAN = _table(
    "аa бb вv гg дd еe ёyo жzh зz иi йy кk лl мm нn оo пp рr сs тt уu фf хkh цts чch шsh щshch"
    " ъ\" ыy ь' эe юyu яya"
)
_AZERBAIJANI = {"ə": "e", "ğ": "g", "ş": "s", "ç": "c", "ı": "i", "i\u0307": "i"}
_LETTERS = _GEORGIAN | _ARMENIAN | _RUSSIAN | _AZERBAIJANI
_SIGNS = {
    "։": ".",
    "՝": ",",
    "՞": "?",
    "՜": "!",
    "՛": "",
    "«": '"',
    "»": '"',
    "“": '"',
    "”": '"',
    "„": '"',
    "‘": "'",
    "’": "'",
    "`": "'",
    "–": "-",
    "—": "-",
    "…": "...",
    "№": "No",
    "≥": ">=",
    "≤": "<=",
    "°": "",
}
_UNKNOWN = "?"
# What depends on its neighbours, before all that does not.
_PATTERN = re.compile(
    r"(?P<ye>(?:\b|(?<=[аеёиоуыэюяйъьաեէըիոօւ]))[եе])"
    r"|(?P<yev>(?:\b|(?<=[աեէըիոօւ]))և)"
    r"|(?P<u>ու)"
    r"|(?P<o>\bո(?=վ\b))"
    r"|(?P<vo>\bո)"
    r"|(?P<alone>.)",
    re.IGNORECASE | re.DOTALL,
)


def to_latin(text: str) -> str:
    """A text in letters of the GSM 7-bit alphabet; what no table knows becomes a question mark."""
    return _PATTERN.sub(_written, unicodedata.normalize("NFC", text))


def _written(found: re.Match[str]) -> str:
    name, sign = str(found.lastgroup), found.group()
    latin = _LETTERS.get(sign.lower()) if name == "alone" else name
    return _of_no_table(sign) if latin is None else _cased(latin, sign, found)


def _cased(latin: str, sign: str, found: re.Match[str]) -> str:
    """As large as the letter: Zh at the beginning of a name, ZH among capitals."""
    if not sign[0].isupper():
        return latin
    around = found.string[max(0, found.start() - 1) : found.end() + 1]
    is_among_capitals = sum(letter.isupper() for letter in around) > 1
    return latin.upper() if is_among_capitals else latin.capitalize()


def _of_no_table(sign: str) -> str:
    if sign in _SIGNS:
        return _SIGNS[sign]
    if _is_gsm(sign):
        return sign
    if sign.isspace():
        return " "
    bare = "".join(part for part in unicodedata.normalize("NFKD", sign) if not unicodedata.combining(part))
    return "".join(part if _is_gsm(part) else _UNKNOWN for part in bare)


def _is_gsm(sign: str) -> bool:
    return encoding_of(sign) is Encoding.GSM_7
