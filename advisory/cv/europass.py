"""Europass CVs: Cedefop's SkillsPassport (schema v3, 2012 to 2020) and the Candidate export used since July 2020.

Exports do not keep to their schemas to the letter, so elements are found by local name and nothing is refused for
being odd. Places are paths of local names, e.g. `Candidate/CandidatePerson/PersonName`.
"""

import re

from lxml import etree

from advisory.cv.areas import add_job
from advisory.cv.dates import normal
from advisory.cv.languages import language
from advisory.cv.reading import Findings, Line
from advisory.cv.vocabulary import country_code, language_code
from advisory.cv.xmltext import children, first, local, place, plain, said, told, words

FORMATS = {"SkillsPassport": "europass-v3", "Candidate": "europass-candidate"}
ACHIEVEMENTS = {
    "certifications": "certificate", "courses": "certificate", "publications": "publication", "projects": "project"
}  # fmt: skip
LISTED = {
    "Certifications/Certification": "certificate", "CourseCertifications/CourseCertification": "certificate",
    "Licenses/License": "certificate", "PublicationHistory/Publication": "publication", "Projects/Project": "project",
}  # fmt: skip
V3_SKILLS = {
    "Listening": "listening", "Reading": "reading", "SpokenInteraction": "interaction",
    "SpokenProduction": "production", "Writing": "writing",
}  # fmt: skip
CANDIDATE_SKILLS = {
    "cef-understanding-listening": "listening", "cef-understanding-reading": "reading",
    "cef-speaking-interaction": "interaction", "cef-speaking-production": "production",
    "cef-writing-production": "writing", "cef-writing-interaction": "writing interaction",
}  # fmt: skip
NAMES = ("Title", "FormattedPublicationDescription", "CertificationName", "LicenseName", "Name")
ITEMS = re.compile(r"[\n;]")


def read_europass(root: etree._Element) -> tuple[Findings, list[Line]]:
    """Return the fields and the lines of a Europass document of either generation."""
    return read_skills_passport(root) if local(root) == "SkillsPassport" else read_candidate(root)


def read_skills_passport(root: etree._Element) -> tuple[Findings, list[Line]]:
    """Read schema v3: dates are attributes, labels and codes come in pairs of which either half may be missing."""
    found = Findings()
    learner = first(root, "LearnerInfo")
    person = first(learner, "Identification")
    _name(found, first(person, "PersonName"), "FirstName", "Surname")
    contact = first(person, "ContactInfo")
    for name, path in (("email", "Email/Contact"), ("phone", "TelephoneList/Telephone/Contact")):
        for element in children(contact, path):
            found.add(name, words(element), words(element), place(element))
    address = first(contact, "Address/Contact")
    if address is not None:
        found.add("city", words(first(address, "Municipality")), said(address), place(address))
        found.add("country", _coded_country(first(address, "Country")), said(address), place(address))
    for job in children(learner, "WorkExperienceList/WorkExperience"):
        _v3_job(found, job)
    for study in children(learner, "EducationList/Education"):
        value = {
            "title": words(first(study, "Title")),
            "institution": words(first(study, "Organisation/Name")),
            "end": _v3_date(first(study, "Period/To")),
        }
        found.add("degree", value, said(study), place(study))
    _v3_skills(found, first(learner, "Skills"))
    for achievement in children(learner, "AchievementList/Achievement"):
        if kind := ACHIEVEMENTS.get(words(first(achievement, "Title/Code")).lower()):
            for item in _items(first(achievement, "Description")):
                found.add(kind, item, said(achievement), place(achievement))
    for nation in children(person, "Demographics/NationalityList/Nationality"):
        found.add("nationality", _coded_country(nation), said(nation), place(nation))
    parts = ("Headline", "WorkExperienceList", "EducationList", "Skills", "AchievementList")
    return found, [line for part in parts for line in told(first(learner, part))]


def _v3_job(found: Findings, job: etree._Element) -> None:
    value = {
        "title": words(first(job, "Position/Label")),
        "employer": words(first(job, "Employer/Name")),
        "start": _v3_date(first(job, "Period/From")),
        "end": _v3_date(first(job, "Period/To")),
        "country": _coded_country(first(job, "Employer/ContactInfo/Address/Contact/Country")),
    }
    if value["title"] or value["employer"]:
        add_job(found, value, said(job), place(job), 1.0, _clauses(job))


def _v3_skills(found: Findings, skills: etree._Element | None) -> None:
    for tongue in children(skills, "Linguistic/MotherTongueList/MotherTongue"):
        if code := _coded_language(first(tongue, "Description")):
            found.add("language", {"code": code, "cefr": "native"}, said(tongue), place(tongue))
    for tongue in children(skills, "Linguistic/ForeignLanguageList/ForeignLanguage"):
        if code := _coded_language(first(tongue, "Description")):
            scores = first(tongue, "ProficiencyLevel")
            levels = {V3_SKILLS.get(local(score), ""): words(score) for score in (scores if scores is not None else ())}
            found.add("language", language(code, levels), said(tongue), place(tongue))
    for group in skills if skills is not None else ():
        if local(group) != "Linguistic":
            for item in _items(first(group, "Description")):
                found.add("skill", item, said(group), place(group))


def _v3_date(moment: etree._Element | None) -> str | None:
    if moment is None:
        return None
    month = moment.get("month", "").lstrip("-")
    return normal(f"{moment.get('year', '')}-{month}" if month else moment.get("year"))


def _coded_country(pair: etree._Element | None) -> str | None:
    return country_code(words(first(pair, "Code"))) or country_code(words(first(pair, "Label")))


def _coded_language(pair: etree._Element | None) -> str | None:
    return language_code(words(first(pair, "Code"))) or language_code(words(first(pair, "Label")))


def read_candidate(root: etree._Element) -> tuple[Findings, list[Line]]:
    """Read a Candidate export; of several profiles (one a language) the first is read, the others repeat it."""
    found = Findings()
    person = first(root, "CandidatePerson")
    _name(found, first(person, "PersonName"), "GivenName", "FamilyName")
    _candidate_person(found, person)
    profile = first(root, "CandidateProfile")
    for employer in children(profile, "EmploymentHistory/EmployerHistory"):
        _candidate_jobs(found, employer)
    for study in children(profile, "EducationHistory/EducationOrganizationAttendance"):
        value = {
            "title": words(first(study, "EducationDegree/DegreeName", "ProgramName", "EducationDegree/ProgramName")),
            "institution": words(first(study, "OrganizationName")),
            "end": normal(words(first(study, "AttendancePeriod/EndDate/FormattedDateTime"))),
        }
        found.add("degree", value, said(study), place(study))
    for competency in children(profile, "PersonQualifications/PersonCompetency"):
        _candidate_competency(found, competency)
    for path, name in LISTED.items():
        for row in children(profile, path):
            if (title := first(row, *NAMES)) is not None:
                found.add(name, words(title), said(row), place(row))
    return found, told(profile)


def _candidate_person(found: Findings, person: etree._Element | None) -> None:
    for contact in children(person, "Communication"):
        _candidate_contact(found, contact)
    for tongue in children(person, "PrimaryLanguageCode"):
        if code := language_code(words(tongue)):
            found.add("language", {"code": code, "cefr": "native"}, words(tongue), place(tongue))
    for nation in children(person, "NationalityCode"):
        found.add("nationality", country_code(words(nation)), words(nation), place(nation))


def _candidate_contact(found: Findings, contact: etree._Element) -> None:
    channel = words(first(contact, "ChannelCode")).lower()
    if channel == "email":
        found.add("email", words(first(contact, "URI")), said(contact), place(contact))
    elif channel == "telephone" or first(contact, "DialNumber") is not None:
        dialling = words(first(contact, "CountryDialing")).lstrip("+")
        number = words(first(contact, "DialNumber"))
        found.add("phone", f"+{dialling} {number}" if dialling and number else number, said(contact), place(contact))
    if (address := first(contact, "Address")) is not None:
        found.add("city", words(first(address, "CityName")), said(address), place(address))
        found.add("country", country_code(words(first(address, "CountryCode"))), said(address), place(address))


def _candidate_jobs(found: Findings, employer: etree._Element) -> None:
    for job in children(employer, "PositionHistory") or [employer]:
        period = first(job, "EmploymentPeriod")
        ongoing = words(first(period, "CurrentIndicator")).lower() == "true"
        seat = first(job, "Country")
        if seat is None:
            seat = first(employer, "OrganizationContact/Communication/Address/CountryCode")
        value = {
            "title": words(first(job, "PositionTitle")),
            "employer": words(first(employer, "OrganizationName")),
            "start": normal(words(first(period, "StartDate/FormattedDateTime"))),
            "end": None if ongoing else normal(words(first(period, "EndDate/FormattedDateTime"))),
            "country": country_code(words(seat)),
        }
        if value["title"] or value["employer"]:
            snippet = f"{value['employer']} · {said(job)}" if job is not employer else said(employer)
            add_job(found, value, snippet, place(job), 1.0, _clauses(job))


def _candidate_competency(found: Findings, competency: etree._Element) -> None:
    named = words(first(competency, "CompetencyName")) or words(first(competency, "CompetencyID"))
    if words(first(competency, "TaxonomyID")).lower() != "language":
        found.add("skill", named, said(competency), place(competency))
    elif code := language_code(words(first(competency, "CompetencyID"))) or language_code(named):
        levels: dict[str, str] = {}
        for dimension in children(competency, "CompetencyDimension"):
            skill = words(first(dimension, "CompetencyDimensionTypeCode")).lower()
            levels.setdefault(CANDIDATE_SKILLS.get(skill, skill), words(first(dimension, "Score/ScoreText")))
        found.add("language", language(code, levels), said(competency), place(competency))


def _name(found: Findings, person: etree._Element | None, *parts: str) -> None:
    if person is not None:
        name = " ".join(filter(None, (words(first(person, part)) for part in parts)))
        found.add("full_name", name, said(person), place(person))


def _clauses(element: etree._Element) -> str:
    """Return what an element tells, a clause a line."""
    return "\n".join(line.text for line in told(element))


def _items(element: etree._Element | None) -> list[str]:
    """Split a description into its list items and clauses."""
    text = plain(element.text) if element is not None else ""
    return [item.strip(" .•-") for item in ITEMS.split(text) if item.strip(" .•-")]
