"""Who the CV is about, in free text: name, e-mail, telephone, city and country."""

import re
from dataclasses import dataclass

from advisory.cv.cues import CODE, LAND, POSTCODE, TOWN, country_in, title_weight
from advisory.cv.dates import POINT
from advisory.cv.headings import HEADINGS
from advisory.cv.reading import Findings, Line
from advisory.cv.vocabulary import COUNTRIES, LANGUAGES, country_code, fold

EMAIL = re.compile(r"[\w.+'-]+@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,}")
PHONE = re.compile(r"(?<![\w/.-])(?:(?:\+|00)\s?\d{1,3}|\(?0\d{1,4}\)?)(?:[\s./()\u2010-\u2013-]{0,2}\d){5,13}(?![\w])")
PHONE_LABEL = re.compile(
    r"(?:tel(?:ephone|efon|éfono|efono|éfon|efoon)?|téléphone|phone|mobile?|handy|portable|gsm|cell|móvil|cellulare|"
    r"komórka|mobil|telefon|kontakt|[☎✆📞])\W*?(\+?[\d(][\d\s./()-]{6,}\d)",
    re.IGNORECASE,
)
PROFILE = re.compile(r"linkedin\.com/in/([\w%-]+)(?:\s+([\w%-]+)\s*\(linkedin\))?", re.IGNORECASE)
NAME_LABEL = re.compile(
    r"^\s*(?:full name|name|first name and surname|surname, first name|nom et prénom|nom|prénom et nom|"
    r"vor- und nachname|"
    r"vorname und name|nome e cognome|nome|nombre y apellidos|nombre|imię i nazwisko|naam|cognome e nome|navn|namn|"
    r"first names? / surnames?|nachname, vorname|nom, prénom|jméno a příjmení|"
    r"ime in priimek|ime i prezime|név|nume|име)"
    r"\s*[:|]\s*(.+)$",
    re.IGNORECASE,
)
CV_WORDS = re.compile(
    r"^\s*(?:curriculum vitae|cv|c\.v\.|europass cv|europass|lebenslauf|résumé|resume|życiorys)\b"
    r"(?:\s*(?:of|von|de|di|van))?[\s:–—|-]*",
    re.IGNORECASE,
)
HONORIFIC = re.compile(
    r"^(?:(?:dr|prof|mr|mrs|ms|herr|frau|m|mme|ir|drs|dipl|ing|mgr|inż|dott|dott\.?ssa|sig|sr|sra|hab|mag)\b[.\s-]*)+(?=[A-ZÀ-Ž])|"
    r"^(?:(?:Dr|Prof|Mr|Mrs|Ms|Herr|Frau|Mme|Ir|Mgr|Ing|Dipl)\b[.-]{0,2}(?:Ing|Biol|Chem|Kfm)?\.?\s+)+"
)
POST_NOMINAL = re.compile(
    r"\s*,\s*(?:Ph\.?D\.?|M\.?Sc\.?|MBA|M\.?A\.?|B\.?Sc\.?|Dr\.?|Dipl.*|CEng|MEng|Ing\.?)(?:,.*)?$"
)
NOT_HOME = re.compile(
    r"\s*(?:nationalit|staatsangeh|citizenship|nazionalit|nacionalidad|narodow|obywatel|geb|born|né)", re.IGNORECASE
)
WORD = re.compile(r"[^\W\d_]+(?:[-'’.][^\W\d_]*)*\.?")
PARTICLES = {"de", "van", "der", "den", "von", "di", "da", "dos", "do", "del", "della", "la", "le", "el", "bin", "af",
             "av", "zu", "zur", "ter", "ten", "y", "e", "i", "du", "of", "al", "d"}  # fmt: skip
SEPARATOR = re.compile(r"\s*[|•·–—\t]\s*|\s{3,}|\s-\s")
NAME_WORDS = range(2, 7)
SEARCHED = 80
POSTCODE_AT_END = re.compile(rf"[\s,](?:{CODE})$")
DIGITS = range(9, 12)
ENOUGH, CERTAIN, LABELLED = 2.0, 4.0, 5.0
RUN = 4


@dataclass(frozen=True, slots=True)
class Named:
    """The name found, the line it stands on and how sure that is."""

    value: str
    line: Line
    confidence: float


def find_name(sections: list[tuple[str, list[Line]]]) -> Named | None:
    """Return the likeliest full name: near the top, in large letters, and like the e-mail or profile address."""
    lines = [(kind, line) for kind, part in sections for line in part][:SEARCHED]
    hints = _hints(" ".join(line.text for _, line in lines))
    best, best_score = None, ENOUGH
    for index, (kind, line) in enumerate(lines):
        label = NAME_LABEL.match(line.text)
        text = label[1] if label else CV_WORDS.sub("", line.text)
        for number, piece in enumerate(SEPARATOR.split(text)):
            name = POST_NOMINAL.sub("", HONORIFIC.sub("", piece.strip(" ,;:"))).strip(" ,;:")
            if not _could_be_name(name):
                continue
            score = _score(name, line, index, kind, hints) + (LABELLED if label else 0) - number * 0.2
            if score > best_score:
                best, best_score = Named(name, line, 0.95 if score > CERTAIN else 0.7), score
    return best


def _hints(text: str) -> set[str]:
    """Return the word stems that the first e-mail and the profile address hold."""
    email, profile = EMAIL.search(text), PROFILE.search(text)
    address = email[0].partition("@")[0] if email else ""
    slug = " ".join(filter(None, profile.groups())) if profile else ""
    return {word for word in re.split(r"[\W\d_]+", fold(f"{address} {slug}")) if len(word) > 1}


def _could_be_name(text: str) -> bool:
    words = text.replace(",", " ").split()
    if len(words) not in NAME_WORDS or not all(WORD.fullmatch(word) for word in words):
        return False
    folded = fold(text)
    if folded in HEADINGS or folded in COUNTRIES or fold(words[0]) in LANGUAGES or title_weight(text) != 0:
        return False
    capital = [word[0].isupper() for word in words if word.lower().rstrip("'’") not in PARTICLES]
    return len(capital) > 1 and all(capital)


def _score(name: str, line: Line, index: int, kind: str, hints: set[str]) -> float:
    words = fold(name).split()
    squeezed = "".join(words)
    runs = [hint for hint in hints if len(hint) >= RUN and hint in squeezed]
    same = sum(word in hints or any(word in run for run in runs) for word in words)
    nearby = 2.2 - index * 0.15 if kind in ("head", "contact") else 0.4
    return same * 2.5 + max(nearby, 0) + min((line.size - 1) * 2, 3)


def read_contact(lines: list[Line], top: list[Line], found: Findings) -> None:
    """Add e-mail, telephone, city and country; `top` are the lines about the person, `lines` all but references."""
    for line in lines:
        for match in EMAIL.finditer(line.text):
            found.add("email", match[0], line.text, line.place, 0.95)
    for line in top:
        dialled = PHONE_LABEL.search(line.text) or PHONE.search(line.text)
        if dialled and not POINT.fullmatch(dialled[0].strip()):
            number = dialled[1] if dialled.re is PHONE_LABEL else dialled[0]
            found.add("phone", " ".join(number.split()), line.text, line.place, 0.9)
        elif not found.has("phone") and (bare := _bare_number(line.text)):
            found.add("phone", bare, line.text, line.place, 0.7)
    above = before = ""
    for line in top:
        if POSTCODE_AT_END.search(before) and not re.search(r"\d", above):
            above = f"{before} {above}"
        city, country = _home(line.text, above)
        if country:
            snippet = line.text if not city or city in line.text else f"{above} {line.text}"
            found.add("city", city, snippet, line.place, 0.8)
            found.add("country", country, snippet, line.place, 0.8)
            return
        before, above = above, line.text


def _bare_number(text: str) -> str | None:
    """Return a telephone number without prefix or label that stands alone between signs."""
    for piece in SEPARATOR.split(text):
        number = re.sub(r"^[^\W\d]{1,5}[.:]\s*", "", piece.strip())
        if re.fullmatch(r"\d[\d ./-]{7,14}\d", number) and len(re.sub(r"\D", "", number)) in DIGITS:
            return None if POINT.search(number) else " ".join(number.split())
    return None


def _home(text: str, above: str) -> tuple[str | None, str | None]:
    """Return (city, country) when a line of the head tells where the person lives, or goes on with an address."""
    if NOT_HOME.match(text):
        return None, None
    land, town = LAND.search(text), TOWN.search(text)
    if land and (country := country_code(land[1].strip())):
        return (town[1].strip() if town else None), country
    last = above.rsplit(",", 1)[-1].strip()
    before = last if POSTCODE.search(last) else ""
    for piece in re.split(r"\s*[|•·;\t]\s*|\s—\s", text):
        bare = re.sub(r"^[^:]{2,25}:\s*", "", piece).strip(" .")
        parts = [part.strip() for part in re.split(r",|\s[–-]\s|\(|\)", bare) if part.strip()]
        alone_code = len(parts) == 1 and len(bare) <= len("DE")
        country = country_in(parts[-1]) if parts and not alone_code and not EMAIL.search(bare) else None
        if country:
            return _city(parts[:-1] or [before]), country
        before = bare
    return None, None


def _city(parts: list[str]) -> str | None:
    """Choose the city among the parts of an address: the one with a postcode, or the first without digits."""
    for part in reversed(parts):
        if (bare := POSTCODE.sub("", part).strip()) != part and bare and not re.search(r"\d", bare):
            return bare
    plain = [part for part in parts if not re.search(r"\d", part) and not country_in(part)]
    return plain[0] if plain else None
