# ruff: noqa: RUF001 -- legal forms are read in Greek and Cyrillic letters too.

"""Words that tell a job title from an employer and a degree from the place that gave it, and places from both."""

import re

from advisory.cv.vocabulary import WORDS, country_code, fold

TITLE = [fold(stem) for stem in WORDS["roles"]["title"]]
ORGANISATION = tuple(fold(stem) for stem in WORDS["roles"]["organisation"])
ORGANISATION_ENDINGS = tuple(WORDS["roles"]["organisation_endings"])
LEGAL = re.compile(
    r"(?:\b(?:GmbH|Ltd|LTD|Limited|plc|PLC|Inc|LLC|AG|KG|SE|BV|B\.V\.|NV|N\.V\.|SA|S\.A\.|SAS|SARL|S\.?r\.?l\.?|"
    r"SpA|S\.p\.A\.|SL|S\.L\.|SLU|AB|AS|ASA|A/S|Oy|Oyj|"
    r"ApS|ehf|d\.o\.o\.|Kft\.?|Zrt\.?|s\.r\.o\.|a\.s\.|EOOD|OOD|AD|UAB|SIA|OÜ|Lda\.?|Ltda|e\.\s?V\.|eG|ASBL|VZW|"
    r"SCOP|SNC|"
    r"sp\. ?z ?o\. ?o\.|z\.ú\.|SRL|UG|OG|EEIG|[EЕ]?ООД|Е?АД|ЕТ|СД|ΑΕ|Α\.Ε\.|ΕΠΕ|Ε\.Π\.Ε\.|ΙΚΕ|ΟΕ|"
    r"GMBH|S\.R\.[OL]\.|D\.O\.O\.|SP\. ?Z ?O\. ?O\.|KFT\.?|ZRT\.?|E\.\s?V\.|SPA|LLP|CIC|HB|KB|Nyrt\.?|Bt\.?|"
    r"k\.s\.|v\.o\.s\.|s\. ?p\.|j\.d\.o\.o\.|S\.?C\.?|S\.?A\.?S\.?|Unipessoal|S\.?p\.? ?z)"
    r"(?![\w]))"
)
DEGREE = re.compile(
    r"\b(?:m\s?sc|b\s?sc|m\s?eng|b\s?eng|mba|m\s?a|b\s?a|m\s?phil|ph\s?d|dphil|llm|llb|master\w*|bachelor\w*|"
    r"diplom\w*|"
    r"dokt\w*|doct\w*|dr|magist\w*|mgr|inz|inzynier\w*|licen\w*|laurea\w*|dottorat\w*|maestria|grado|grau|"
    r"ingenieur\w*|"
    r"degree|postgrad\w*|staatsexamen|abitur|baccalaureat|studia|dyplom\w*|hbo|drs|ir|dess|dea|dut|bts|maitrise|"
    r"mestrado|mastere|ausbildung|lehre|apprentice\w*|specialisation|promotion|graduate|hons|habilitation|dipl|"
    r"ing|titulo|matura|kandidat\w*|"
    r"diploma|dyplom\w*|titulo|bacharel\w*|doutor\w*|licenta|master|masterat|inginer|bakalar\w*|magistr\w*|ing|"
    r"rigoroz\w*|"
    r"διπλωμα|πτυχιο|μεταπτυχιακ\w*|διδακτορικ\w*|магистър\w*|бакалавър\w*|доктор\w*|диплома|okleveles|diploma|"
    r"mesterkepz\w*|alapkepz\w*|alapszak|mesterszak|doktori|szakmernok|mernok|foiskolai|civilingenjor|kandidatexamen|"
    r"cand|tutkinto|maisteri|inginerie|"
    r"magister\w*|specializzazione|maestrado|tecnico superior|bac)\b"
)
INSTITUTION = re.compile(
    r"\b(?:universi\w*|uniwersyte\w*|univerz\w*|\w*universitat|\w*hochschule|institut\w*|instytut\w*|"
    r"istitut\w*|college|"
    r"\w*college|school|\w*schule|ecole|escuela|escola|scuola|szkol\w*|hogeschool|akadem\w*|academ\w*|polite\w*|"
    r"polyte\w*|vysok\w*|vut|cvut|πανεπιστημι\w*|πολυτεχνει\w*|εκπα|απθ|εμπ|τει|σχολη|университет\w*|академия|"
    r"институт\w*|училище|\w*egyetem\w*|foiskola\w*|gimnazium|szakkozepiskola|universitatea|scoala|facultatea|"
    r"fakult\w*|"
    r"faculdade|instituto|hogskol\w*|\w*universitet|\w*universiteit|\w*hogeschool|iae|edhec|escp|essec|fh|tu|"
    r"eth|epfl|egyetem|yliopisto|kolleg|gymnasium|lycee|liceo|liceum|mines|sciences po|insead|hec)\b"
)
STRONG = re.compile(r"\s+[|·•@–—-]\s+|\s*[|·•;\t]\s*|\s+(?:—|–)\s*")
AT = re.compile(r"\s+(?:at|bei|beim|chez|presso|bij|for the|w firmie)\s+", re.IGNORECASE)
LABEL = re.compile(
    r"^(?:employer|company|position|job title|occupation or position held|name and address of employer|arbeitgeber|"
    r"unternehmen|firma|position|funktion|stelle|employeur|entreprise|poste|fonction|datore di lavoro|azienda|ruolo|"
    r"empleador|empresa|puesto|cargo|pracodawca|stanowisko|werkgever|bedrijf|functie|institution|degree|title|"
    r"abschluss|"
    r"hochschule|diplôme|établissement|uczelnia|kierunek|instelling|titolo|istituto|título|centro|address|adresse)"
    r"\s*:\s*",
    re.IGNORECASE,
)
TOWN = re.compile(r"(?:city|stadt|ort|ville|città|ciudad|miasto|stad|plaats)\s*:\s*([^|,;]+)", re.IGNORECASE)
LAND = re.compile(r"(?:country|land|pays|paese|país|kraj)\s*:\s*([^|,;]+)", re.IGNORECASE)
# Postcodes of the Union; the last two are British and Irish.
CODE = (
    r"(?:[A-Z]{1,2}-)?(?:\d{4,6}(?:[- ]?(?:\d{3}|[A-Z]{2}\b))?|\d{2}-\d{3}|\d{3} \d{2})"
    r"|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|[A-Z]\d[\dW] ?[A-Z\d]{4}"
)
POSTCODE = re.compile(rf"^(?:{CODE})(?:\s+|$)|\s+(?:{CODE})$")
# From this length on a cue is also looked for inside a word: Umweltberater, milieucoördinator.
COMPOUND = 5
SHORTEST_COUNTRY = 4
MOST, LEGAL_WEIGHT = 2, 3


def title_weight(text: str) -> int:
    """Return how much a text looks like a job title (positive) rather than an organisation (negative)."""
    words = fold(text).split()
    titles = sum(word.startswith(stem) or (len(stem) > COMPOUND and stem in word) for word in words for stem in TITLE)
    organisations = sum(word.startswith(ORGANISATION) or word.endswith(ORGANISATION_ENDINGS) for word in words)
    return min(titles, MOST) - min(organisations, MOST) - (LEGAL_WEIGHT if LEGAL.search(text) else 0)


def degree_weight(text: str) -> int:
    """Return how much a text looks like a degree (positive) rather than a school (negative)."""
    folded = fold(text)
    return len(DEGREE.findall(folded)) - 2 * len(INSTITUTION.findall(folded))


def country_in(text: str) -> str | None:
    """Return the country a short text names, in words or as a code in capitals."""
    bare = text.strip(" .()[]")
    if re.fullmatch(r"[A-Z]{2}", bare):
        return country_code(bare)
    return country_code(bare) if len(bare) >= SHORTEST_COUNTRY else None


def take_place(text: str) -> tuple[str, str | None, str | None]:
    """Cut a closing place off a text: (what is left, city, country), e.g. "Kluwer BV, Breda, Nederland"."""
    town, land = TOWN.search(text), LAND.search(text)
    if town or land:
        left = TOWN.sub("", LAND.sub("", text)).strip(" ,|;·–-[]()")
        return left, town[1].strip() if town else None, country_code(land[1].strip(" []()")) if land else None
    bracket = re.search(r"\s*\(([^()]+)\)\s*$", text)
    if bracket and (country := country_in(bracket[1].rsplit(",", 1)[-1])):
        city = bracket[1].rsplit(",", 1)[0].strip() if "," in bracket[1] else None
        return text[: bracket.start()].strip(), city, country
    parts = [part for part in re.split(r"\s*(?:,|\||·|\s[–-]\s)\s*", text) if part]
    country = country_in(parts[-1]) if parts else None
    if not country:
        return text, None, None
    if len(parts) == 1:
        return "", None, country
    end = text.rindex(parts[-1])
    left = text[:end].rstrip(" ,|·–-(")
    city = POSTCODE.sub("", parts[-2]).strip()
    if title_weight(city) == 0 and not re.search(r"\d", city):
        return left[: left.rindex(parts[-2])].rstrip(" ,|·–-("), city, country
    return left, None, country
