"""What a CV may say besides: nationality, tools, availability and the countries of its projects.

Only what is written is told: no nationality follows from a name, a language or a birthplace.
"""

import re
from itertools import zip_longest

from advisory.cv.entries import BULLET
from advisory.cv.headings import Sections
from advisory.cv.reading import Findings, Line
from advisory.cv.vocabulary import COUNTRIES, LANGUAGES, WORDS, country_code, country_of_language, fold

NATIONALITY = re.compile(
    r"(?:^|[|•·,;]\s*|\s{2,})(?:nationality|citizenship|nationalité|citoyenneté|staatsangehörigkeit|staatsbürgerschaft|"
    r"nationalität|cittadinanza|nazionalità|nacionalidad|ciudadanía|narodowość|obywatelstwo|nationaliteit|"
    r"nacionalidade|cidadania|cetățeni[ea]|naționalitate|státní (?:občanství|příslušnost)|národnost|občanství|"
    r"státna príslušnosť|υπηκοότητα|ιθαγένεια|εθνικότητα|гражданство|националност|állampolgárság|nemzetiség|"
    r"državljanstvo|medborgarskap|nationalitet|statsborgerskab|kansalaisuus|pilietybė|pilsonība|kodakondsus)"
    r"(?:\(?[\w)]{0,4})?\s*[:|–-]?\s*([^|•·;\t(]{3,60})",
    re.IGNORECASE,
)
AVAILABILITY = re.compile(
    r"(?:^|(?<=[.;|•·])\s*)((?:available|availability|disponible|disponibilité|verfügbar(?:keit)?|"
    r"disponibil[ei]?|disponibilità|"
    r"disponibilidad|dostępn[aye]|dostępność|beschikbaar(?:heid)?|disponível|disponibilidade|disponibilitate|"
    r"k dispozici|dostupn[ýáé]|dostupnost|διαθέσιμ[οηι]ς?|διαθεσιμότητα|на разположение|наличност|разполагаем|"
    r"elérhető(?:ség)?)"
    r"(?![\w-])[^.;|•·]{0,100})",
    re.IGNORECASE,
)
TOOLS = {name: re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])") for name in WORDS["tools"]["names"]}
ANY_TOOL = re.compile("|".join(pattern.pattern for pattern in TOOLS.values()))
NAME = re.compile(r"[^\W\d_]+(?:['’.-][^\W\d_]+)*")
FULL_LINE = 25
PERSONAL = ("head", "contact", "summary", "other")
AT_WORK = ("experience", "projects", "publications", "references")
NOT_TOLD = ("references", "contact")
LONGEST_NAME, SHORTEST = 4, 4
# The shortest beginning that a people shares with its country, and how either word may go on behind it.
STEM, SHORT, ENDING = 4, 2, 6
LANDS = {"land", "lande", "lands", "reich", "ien", "sko"}
AND = re.compile(r"\s*(?:,|/|\b(?:and|und|et|e|y|i|en|și|a|και|и|és)\b)\s+|/")


def find_extras(sections: Sections, found: Findings) -> None:
    """Add `nationality`, `availability`, `tool` and `project_country` fields."""
    for kind, lines in sections:
        for line, following in zip_longest(lines, lines[1:]):
            if kind in PERSONAL:
                _nationality(line, found)
            if kind not in AT_WORK:
                _availability(line, following.text if following else "", found)
            if kind not in NOT_TOLD and ANY_TOOL.search(line.text):
                for name, pattern in TOOLS.items():
                    if pattern.search(line.text):
                        found.add("tool", name, line.text, line.place, 0.9)
            if kind == "projects":
                _project_countries(line.text, line.place, found)
    for project in [field for field in found.fields if field.name == "project"]:
        _project_countries(project.value, project.place, found)


def _project_countries(text: str, place: str, found: Findings) -> None:
    for code in countries_named(text):
        found.add("project_country", code, text, place, 0.7)


def _nationality(line: Line, found: Findings) -> None:
    for match in NATIONALITY.finditer(line.text):
        for one in AND.split(match[1]):
            found.add("nationality", nationality_code(one), line.text, line.place, 0.85)


def _availability(line: Line, following: str, found: Findings) -> None:
    """Add what the person says on when and how much; the sentence may go on in the following line."""
    text = line.text.rstrip()
    goes_on = len(text) > FULL_LINE and text[-1] not in ".;:" and not BULLET.match(following)
    for match in AVAILABILITY.finditer(f"{text} {following}" if goes_on else text):
        if (match.start(1) < len(text) and re.search(r"\d", match[1])) or ":" in match[1]:
            found.add("availability", match[1].strip(" ,:"), line.text, line.place, 0.7)


def countries_named(text: str) -> list[str]:
    """Return the countries that a text names in words that begin with a capital, each once, in their order."""
    words = [match[0] for match in NAME.finditer(text)]
    codes, at = [], 0
    while at < len(words):
        taken = 1
        for length in range(LONGEST_NAME, 0, -1):
            name = " ".join(words[at : at + length])
            if words[at][0].isupper() and len(name) >= SHORTEST and (code := COUNTRIES.get(fold(name))):
                codes.append(code)
                taken = length
                break
        at += taken
    return list(dict.fromkeys(codes))


def nationality_code(text: str) -> str | None:
    """Return the country of a nationality as people write it: its name, its code, or the word for its people.

    The word for a people shares a long beginning with its country in some language ("polska", "française",
    "österreichisch") or is that of its language ("Irish", "Danish"). Where two countries fit, None.
    """
    word = text.strip(" .:")
    if code := country_code(word):
        return code
    folded = fold(word)
    if language := LANGUAGES.get(folded):
        return country_of_language(language)
    best: dict[str, int] = {}
    for name, code in COUNTRIES.items():
        shared = _shared(folded, name)
        rest = name[shared:]
        if shared >= STEM and (len(rest) <= SHORT or rest in LANDS) and len(folded) - shared <= ENDING:
            best[code] = max(best.get(code, 0), shared)
    top = [code for code, shared in best.items() if shared == max(best.values())]
    return top[0] if len(top) == 1 else None


def _shared(one: str, other: str) -> int:
    """Return how many letters two words begin with in common."""
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count
