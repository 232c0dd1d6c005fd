"""Names of languages and countries in the languages of the Union, as ISO codes; levels of the CEFR.

Names come from the CLDR through babel. Languages are ISO 639-1; bibliographic and terminological ISO 639-2 codes
(`fre`, `fra`) are both known. Countries are ISO 3166-1 alpha-2; the Union's own `UK` and `EL` become GB and GR.
"""

import re
import tomllib
import unicodedata
from pathlib import Path

from babel import Locale
from babel.core import get_global

WORDS = tomllib.loads(Path(__file__).with_name("words.toml").read_text(encoding="utf-8"))
LOCALES = ("en", "fr", "de", "it", "es", "nl", "pl", "pt", "sv", "da", "fi", "cs", "sk", "sl", "hr", "hu", "ro", "bg",
           "el", "lt", "lv", "et", "mt", "ga", "nb")  # fmt: skip
LEVELS = ("A1", "A2", "B1", "B2", "C1", "C2")
ALPHA_2 = re.compile(r"[A-Z]{2}")
NOT_COUNTRIES = {"EU", "EZ", "UN", "XA", "XB", "QO", "ZZ"}

EXTRA_LANGUAGES = {
    "flemish": "nl", "vlaams": "nl", "flamisch": "nl", "flamand": "nl", "castilian": "es", "castellano": "es",
    "castillan": "es", "kastilisch": "es", "mandarin": "zh", "mandarin chinese": "zh", "mandarijn": "zh",
    "mandarino": "zh", "farsi": "fa", "slovene": "sl", "slovenian": "sl", "valencian": "ca", "gaeilge": "ga",
    "bokmal": "nb", "modern greek": "el", "galego": "gl",
}  # fmt: skip
EXTRA_COUNTRIES = {
    "uk": "GB", "great britain": "GB", "england": "GB", "scotland": "GB", "wales": "GB", "northern ireland": "GB",
    "united kingdom of great britain and northern ireland": "GB", "grande bretagne": "GB", "grossbritannien": "GB",
    "gran bretagna": "GB", "gran bretana": "GB", "groot brittannie": "GB", "wielka brytania": "GB",
    "usa": "US", "united states of america": "US", "etats unis d amerique": "US", 
    "vereinigte staaten von amerika": "US",
    "the netherlands": "NL", "holland": "NL", "pays bas": "NL", "les pays bas": "NL", "czech republic": "CZ",
    "republique tcheque": "CZ", "tschechische republik": "CZ", "repubblica ceca": "CZ", "republica checa": "CZ",
    "slovak republic": "SK", "republic of ireland": "IE", "macedonia": "MK", "turkey": "TR", "moldova": "MD",
    "republic of moldova": "MD", "bosnia": "BA", "kosovo": "XK", "luxemburg": "LU", "ceska republika": "CZ",
    "slovenska republika": "SK", "republika hrvatska": "HR", "republika slovenija": "SI", "republika srbija": "RS",
    "republika polska": "PL", "bundesrepublik deutschland": "DE", "republique francaise": "FR",
    "repubblica italiana": "IT", "eire": "IE", "ελληνικη δημοκρατια": "GR", "република българия": "BG",
    "lietuvos respublika": "LT", "latvijas republika": "LV", "eesti vabariik": "EE",
}  # fmt: skip
# Languages named like the people of one country, where the CLDR's likeliest country is that one, and where it is not.
PEOPLES = {"bg", "cs", "da", "de", "el", "es", "et", "fi", "fr", "hr", "hu", "is", "it", "ja", "ko", "lt", "lv", "mk", 
           "mt", "nb", "nl", "pl", "ro", "sk", "sl", "sq", "sr", "sv", "tr", "uk"}  # fmt: skip
NAMED_AFTER = {"pt": "PT", "ga": "IE", "no": "NO", "nn": "NO"}
NATIVE = re.compile(
    r"\b(native|mother tongue|first language|bilingual|mutter ?sprache|erst ?sprache|langue( s)? maternelle|"
    r"bilingue|natif|"
    r"native|madre ?lingua|lingua madre|lengua materna|nativ[oa]|idioma materno|moeder ?taal|jezyk ojczysty|ojczysty|"
    r"lingua materna|modersmal|aidinkieli|materni jezik|materinscina|materinsky jazyk|materinsky|matersky jazyk|"
    r"mateřský jazyk|rodily mluvci|anyanyelv|limba materna|маичин език|матерен език|маиками език|маичин|роден език|"
    r"μητρικη( γλωσσα)?|anyanyelvi|anyanyelvu|nativ|matersk[ay]|rodna|rodeny|maternelle|modersmal|"
    r"gimtoji( kalba)?|dzimta valoda|emakeel|ilsien nattiv|muttersprachlich(es niveau)?|"
    r"muttersprachler(in)?|natywny|rodny)\b"
)


def fold(text: str) -> str:
    """Return the text in lower case, without accents and with every other sign as one space."""
    flat = unicodedata.normalize("NFKD", text.casefold().replace("ł", "l").replace("ø", "o").replace("đ", "d"))
    kept = (" " if not letter.isalnum() else letter for letter in flat if not unicodedata.combining(letter))
    return " ".join("".join(kept).split())


def _names(kind: str, extra: dict[str, str], known: re.Pattern[str]) -> dict[str, str]:
    """Gather folded names of one kind over all locales; the earlier locale wins where two disagree."""
    names = dict(extra)
    for name in LOCALES:
        for code, label in getattr(Locale(name), kind).items():
            if known.fullmatch(code) and code not in NOT_COUNTRIES and len(folded := fold(label)) > len("de"):
                names.setdefault(folded, code)
    return names


LANGUAGES = _names("languages", EXTRA_LANGUAGES, re.compile(r"[a-z]{2}"))
COUNTRIES = _names("territories", EXTRA_COUNTRIES, ALPHA_2)
LANGUAGE_CODES = set(LANGUAGES.values())
COUNTRY_CODES = set(COUNTRIES.values())
THREE_LETTERS = {
    code: two
    for code, two in get_global("language_aliases").items()
    if len(code) == len("deu") and two in LANGUAGE_CODES
}
COUNTRY_ALIASES = {code: codes[0] for code, codes in get_global("territory_aliases").items() if len(codes) == 1}


def language_code(text: str | None) -> str | None:
    """Return ISO 639-1 for a name, or a code of ISO 639-1 or 639-2; None where there is no such code."""
    folded = fold(text or "")
    if len(folded) == len("de"):
        return folded if folded in LANGUAGE_CODES else None
    return THREE_LETTERS.get(folded) or LANGUAGES.get(folded)


def country_code(text: str | None) -> str | None:
    """Return ISO 3166-1 alpha-2 for a country's name or code; UK and EL are read as the Union writes them."""
    folded = fold(text or "")
    code = folded.upper()
    if code == "EL":
        return "GR"
    if len(code) <= len("DEU") and code.isascii():
        code = COUNTRY_ALIASES.get(code, code)
        if code in COUNTRY_CODES:
            return code
    return COUNTRIES.get(folded) or COUNTRIES.get(folded.removeprefix("the "))


def country_of_language(code: str) -> str | None:
    """Return the country whose people a language is named after; None for one that several countries share in name."""
    if code in NAMED_AFTER:
        return NAMED_AFTER[code]
    likely = get_global("likely_subtags").get(code, "")
    return likely.rsplit("_", 1)[-1] if code in PEOPLES else None


def lowest_level(levels: list[str]) -> str | None:
    """Return the lowest CEFR level of a list, None where it is empty: the weakest skill decides what one can do."""
    known = [level for level in (text.strip().upper() for text in levels) if level in LEVELS]
    return min(known, default=None)


def find_languages(text: str) -> list[tuple[str, int, int]]:
    """Return (code, start word, end word) for each language named in the words of a text, longest name first."""
    words = fold(text).split()
    found, at = [], 0
    while at < len(words):
        for length in (3, 2, 1):
            code = LANGUAGES.get(" ".join(words[at : at + length]))
            if code and at + length <= len(words):
                found.append((code, at, at + length))
                at += length - 1
                break
        at += 1
    return found
