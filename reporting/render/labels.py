"""Labels, numbers and days in the language of the report. The words stand once, in typst/strings.json."""

import json
import re
from functools import cache

from reporting.render.compiler import LANGUAGES, TEMPLATES

NOTHING = "\u2013"
MINUS = "\u2212"
SEPARATORS = {"en": (",", "."), "nl": (".", ","), "de": (".", ","), "fr": ("\u202f", ",")}
# what no reader should meet in a file made from typed text: control signs, bidirectional overrides, half characters
UNWANTED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffe\uffff\ud800-\udfff]"
)


@cache
def _words() -> dict[str, dict[str, str]]:
    words: dict[str, dict[str, str]] = json.loads((TEMPLATES / "strings.json").read_text("utf-8"))
    return words


def plain(text: str) -> str:
    """The text without signs that break a file or turn the line; tabs and line ends stay."""
    return UNWANTED.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


class Labels:
    """The words of one language. Raises ValueError for a language the report is not written in."""

    def __init__(self, lang: str) -> None:
        if lang not in LANGUAGES:
            raise ValueError(f"The report is written in {', '.join(LANGUAGES)}, not in “{lang}”.")
        self.lang = lang

    def __call__(self, key: str) -> str:
        return _words()[key][self.lang]

    def country(self, code: str) -> str:
        """Name of a Member State; the code itself for any other country."""
        return _words().get(f"c.{code}", {}).get(self.lang, code)

    def cell(self, place: str) -> str:
        """Theme · challenge · function of a cell of the toolkit."""
        theme, challenge, function = place.split(".")
        return f"{self(f'theme.{theme}')} · {self(f'ch.{challenge}')} · {self(f'fn.{function}')}"

    def number(self, value: int | float | None) -> str:
        """The number as it is read: thousands apart, one decimal where there is one, a dash for nothing."""
        if value is None:
            return NOTHING
        thousands, point = SEPARATORS[self.lang]
        text = f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"
        return text.translate({ord(","): thousands, ord("."): point, ord("-"): MINUS})

    def day(self, iso: str | None) -> str:
        """“5 March 2021”, or a dash."""
        if not iso:
            return NOTHING
        year, month, day = (int(part) for part in iso[:10].split("-"))
        return f"{day}{'.' if self.lang == 'de' else ''}\u00a0{self(f'month.{month}')} {year}"

    def month(self, iso: str) -> str:
        """“Mar 21”."""
        return f"{self(f'mon.{int(iso[5:7])}')} {iso[2:4]}"
