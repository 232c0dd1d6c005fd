"""The templates: every page renders from the context its head names, keeps the content policy, and is sound HTML."""

import ast
import datetime as dt
import itertools
import re
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from django import forms
from django.http import HttpResponse, QueryDict
from django.template import Context, Template
from django.template.loader import get_template
from django.test import RequestFactory
from django.urls import path
from django.utils.translation import override
from django.utils.translation.template import templatize

from facility.templatetags import look
from facility.workflow.input import Rows, StepForm
from tests.errands.models import Errand

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted([*ROOT.glob("facility/templates/**/*.html"), *ROOT.glob("facility/workflow/templates/**/*.html")])


def nothing(_request):
    return HttpResponse()


# Names that the templates point to, so that these tests need no other part of the project.
urlpatterns = [
    path("in/", nothing, name="account_login"),
    path("out/", nothing, name="account_logout"),
    path("lost/", nothing, name="account_reset_password"),
    path("second/", nothing, name="mfa_authenticate"),
    path("passkey/", nothing, name="mfa_login_webauthn"),
    path("language/", nothing, name="set_language"),
]
pytestmark = pytest.mark.urls(__name__)

NOW = dt.datetime(2021, 8, 24, 9, 12, tzinfo=dt.UTC)


def at(days=0, hour=12):
    return (NOW + dt.timedelta(days=days)).replace(hour=hour, minute=0)


class Someone(str):
    """A person as the frame of a page sees one."""

    is_authenticated = True


SHELL = {
    "brand": "Green Transition Facility",
    "nav": [
        {"label": "Home", "url": "/workspace/", "current": True},
        {"label": "Projects", "url": "/workspace/projects/", "current": False},
        {"label": "Call and selection", "url": "#", "current": False},
        {"label": "Webinars", "url": "#", "current": False},
        {"label": "Toolkit", "url": "#", "current": False},
    ],
    "home_url": "/workspace/",
    "inbox_url": "/workspace/inbox/",
    "unread": 3,
    "person": Someone("Ilse Verhagen"),
    "search_url": "/workspace/search/",
    "demo": True,
    "now": NOW,
    "foot": [{"label": "Accessibility", "url": "/accessibility/"}],
}
PUBLIC = SHELL | {"person": None, "inbox_url": "", "unread": 0, "demo": False}
ACTIVE = {"value": "in_support", "label": "In support", "tone": "is-active", "icon": "play-outline"}
WAIT = {"value": "logged", "label": "Waits for manager", "tone": "is-wait", "icon": "clock"}
GOOD = {"value": "confirmed", "label": "Confirmed", "tone": "is-good"}


class FirmForm(forms.Form):
    name = forms.CharField(label="Name", max_length=20)
    size = forms.ChoiceField(label="Size", choices=[("micro", "micro"), ("small", "small")])


class SessionForm(StepForm):
    """One field of every kind that a step may ask for."""

    day = forms.DateField(label="Day")
    form = forms.ChoiceField(
        label="Form", choices=[("one", "One-to-one"), ("workshop", "Workshop")], widget=forms.RadioSelect
    )
    contact_hours = forms.DecimalField(label="Hours of contact", max_value=10)
    preparation_hours = forms.DecimalField(label="of preparation", required=False)
    served = forms.MultipleChoiceField(
        label="Action served",
        choices=[("a", "Energy audits for ten members"), ("b", "Shared purchase of heat pumps")],
        widget=forms.CheckboxSelectMultiple,
    )
    firms = Rows(FirmForm, label="Firms present", minimum=1, maximum=3, help_text="Only members of the cluster.")
    outcome = forms.CharField(
        label="What came out of it", help_text="One or two sentences. The manager reads this.", widget=forms.Textarea
    )
    paper = forms.FileField(label="Sign-in sheet", required=False)
    sure = forms.BooleanField(label="The manager was there", required=False)
    area = forms.ChoiceField(label="Area", choices=[("w", "Optimising water use")], required=False)


class MarkForm(forms.Form):
    criterion = forms.CharField(widget=forms.HiddenInput)
    value = forms.TypedChoiceField(choices=[(n, str(n)) for n in range(11)], widget=forms.RadioSelect)
    comment = forms.CharField(widget=forms.Textarea(attrs={"rows": 2}))


class EvaluationForm(StepForm):
    scores = Rows(MarkForm, label="Scores", minimum=1)


class ConflictForm(StepForm):
    holds = forms.MultipleChoiceField(
        label="Does any of this hold?",
        choices=[("work", "I worked for one of them in the last five years"), ("help", "I helped to write this")],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )


class FilterForm(forms.Form):
    state = forms.ChoiceField(label="State", choices=[("", "Any state")], required=False)


def session_form(data=None):
    posted = None if data is None else QueryDict(data)
    return SessionForm(posted, record=Errand(), by=None, initial={"day": NOW.date(), "form": "workshop"})


WRONG = (
    "day=&form=workshop&contact_hours=12&firms-TOTAL_FORMS=2&firms-0-name=Rila&firms-0-size=small"
    "&firms-1-name=&firms-1-size=micro&outcome=Three+audits"
)


def task(days, title="Sign the order of needs of Green Synergy Cluster", label="Read and sign"):
    return {
        "due_at": None if days is None else at(days, 8),
        "title": title,
        "url": "/t/",
        "why": "Advisor and manager have signed. You are the third; wrapping up waits for it.",
        "step": {"label": label, "url": "/t/step/"},
    }


TASKS = [task(-5), task(-1, "Settle the dispute at Luce in Veneto", "Settle"), task(1), task(3), task(7), task(None)]
PROJECT = {
    "title": "Clúster IdiA",
    "url": "/p/",
    "lang": "es",
    "state": ACTIVE,
    "until": dt.date(2021, 9, 30),
    "used": 18,
    "total": 30,
    "gone": 0.68,
    "words": ["18 of 30 days used", "37 days left"],
    "facts": [{"label": "Advisors", "value": ["Petar Iliev", "Katrin Osterhoff"]}],
}
FEED = [
    {
        "at": at(0, 8),
        "who": "Elena Dimitrova",
        "text": "confirmed two sessions at",
        "about": {"value": "Clusaga", "url": "/p/", "lang": "gl"},
    },
    {"at": at(-1, 19), "who": "", "text": "Mail came back: mailbox full."},
]
FIGURES = [
    {"value": 25, "label": "projects, 6 flagged", "url": "/p/"},
    {"value": 412, "label": "days approved of 750", "note": "55 %"},
    {"value": Decimal("68.5"), "label": "% of the support period gone"},
]
QUEUE = {
    "done": 7,
    "total": 12,
    "due_at": dt.date(2021, 8, 31),
    "url": "/q/",
    "previous_url": "/q/7/",
    "next_url": "/q/9/",
}
CRUMBS = [{"label": "Projects", "url": "/p/"}]
CHIPS = [{"label": "Board", "url": "?v=board", "current": True}, {"label": "Table", "url": "?v=table"}]
OFFERS = [
    {"name": "sign", "label": "Read and sign", "url": "/s/", "blocked_by": [], "filled": True, "direct": False},
    {"name": "pause", "label": "Pause", "url": "/s/", "blocked_by": [], "direct": True, "version": 7, "token": "t1"},
    {
        "name": "wrap_up",
        "label": "Start wrapping up",
        "url": "/s/",
        "blocked_by": ["Sign the order of needs; two of three have signed.", "Record the outcome of need 6."],
    },
]
TIMELINE = [
    {
        "at": at(-11),
        "who": "Elena Dimitrova",
        "label": "Order of needs signed",
        "from": "",
        "to": "",
        "reason": "",
        "changes": [],
    },
    {
        "at": at(-22),
        "who": "Ilse Verhagen",
        "label": "Needs reopened",
        "from": "Agreed",
        "to": "Open",
        "reason": "Energy prices put need 3 before need 1.",
        "changes": [
            {"field": "Order", "before": "1, 2, 3", "after": "3, 1, 2"},
            {"field": "Note", "before": "", "after": ""},
        ],
    },
]
SESSIONS = {
    "columns": ["About", "Date", "Form", "Hours", "State"],
    "rows": [
        [
            {"value": "Footprint of three products", "url": "/s/"},
            dt.date(2021, 8, 20),
            "One-to-one",
            Decimal("3.0"),
            WAIT,
        ],
        [{"value": "Audit round, hall B", "url": "/s/"}, dt.date(2020, 12, 19), "Workshop", Decimal("5.0"), GOOD],
    ],
    "all": "/s/",
    "total": 17,
    "log_url": "/log/",
}
NEEDS = {
    "title": "Needs, order 2 of 12 August",
    "note": "Reopened on 2 August by Ilse Verhagen.",
    "voices": [{"who": "Petar Iliev", "role": "lead advisor", "text": "Signed", "tone": "good", "at": at(-12, 10)}],
    "voice_labels": ["Advisor", "Manager", "Coordinator"],
    "rows": [
        {
            "agreed": 1,
            "title": "Energy audits for ten members",
            "area": "Maximising energy efficiency",
            "ranks": [{"value": 1, "apart": 0}, {"value": 3, "apart": 2}, {"value": 1, "apart": 0}],
            "start": "open",
            "now": ACTIVE,
        },
        {
            "agreed": 2,
            "title": "Buy heat pumps together",
            "area": "Sustainable investments",
            "ranks": [{"value": 3}, {"value": 1}, {"value": 2}],
            "start": "open",
            "now": GOOD,
        },
    ],
}
DAYS = {
    "sentence": "18 of 30 days are approved, confirmed or logged, with 68 % of the time gone.",
    "parts": [
        {"label": "Approved", "value": Decimal(12), "note": "frozen", "url": "/d/"},
        {"label": "Confirmed", "value": Decimal(4), "note": "waits for approval"},
        {"label": "Logged", "value": Decimal(2), "note": "waits for the manager"},
        {"label": "Committed", "value": Decimal("6.5"), "note": "planned in actions, not yet held"},
    ],
    "total": Decimal(30),
    "gone": 0.68,
}
CARD = {
    "title": "Cleantech Cluster Lithuania",
    "url": "/p/",
    "lang": "en",
    "meta": "LT · Tomasz Wierzbicki",
    "used": 9.5,
    "total": 30,
    "gone": 0.68,
    "words": ["9.5 of 30", "to 30 Sept"],
    "flags": [{"text": "Silent for 21 days", "tone": "bad"}],
}
CALM = CARD | {"title": "AQUIMER", "lang": "fr", "flags": []}
PAIR = {
    "id": "p1",
    "project": {"title": "AQUIMER", "url": "/p/", "lang": "fr", "country": "FR"},
    "advisor": {"title": "Élodie Marchetti", "url": "/a/", "languages": "FR EN"},
    "parts": [
        {"label": label, "value": value}
        for label, value in (
            ("need fit", 26),
            ("words", 14),
            ("languages", 10),
            ("sector", 9),
            ("country", 6),
            ("track record", 4),
        )
    ],
    "total": 69,
    "runner_up": {"title": "Hanna Lindroos", "total": 70},
    "loss": 9,
    "mark": None,
    "why": {
        "sentences": [
            {
                "text": "Led the shift of nine seafood processors to closed water loops.",
                "source": "CV page 2, for need 1",
            }
        ],
        "runner_up": "She scores one more, but another project then falls under the worst case.",
    },
}


def marks():
    form = EvaluationForm(
        record=Errand(),
        by=None,
        initial={"scores": [{"criterion": "need", "value": 8, "comment": "Clear."}, {"criterion": "fit"}]},
    )
    rows = form.shown_rows("scores")
    return {
        "form": form,
        "marks": [
            {"criterion": "Need", "weight": 20, "guide": "Is the challenge shared by members?", "row": rows[0]},
            {"criterion": "Fit with the green transition", "weight": 25, "guide": "", "row": rows[1]},
        ],
    }


ROWS = [
    {
        "url": "/r/1/",
        "title": "Clúster IdiA",
        "lang": "es",
        "state": ACTIVE,
        "facts": [
            {"label": "Country", "value": "ES", "align": "", "url": "", "lang": ""},
            {"label": "Days", "value": "18.0", "align": "right", "url": "", "lang": ""},
        ],
        "step": {"label": "Wrap up", "url": "/r/1/wrap/"},
    },
    {
        "url": "/r/2/",
        "title": "<b>Luce</b>",
        "lang": "",
        "state": GOOD,
        "facts": [
            {"label": "Country", "value": "IT", "align": "", "url": "", "lang": ""},
            {"label": "Days", "value": "7.5", "align": "right", "url": "", "lang": ""},
        ],
        "step": None,
    },
]
STEP = {
    "title": "Log a session",
    "record_title": "Green Synergy Cluster",
    "back_url": "/p/",
    "hidden": {"_version": 7, "_token": "t"},
    "submit_label": "Log session",
}


def pages():
    """Every page with a context of the shape that its template's head names."""
    projects = {"lede": "25 projects, 6 flagged.", "views": CHIPS, "filter": FilterForm(), "saved": CHIPS}
    conflict = ConflictForm(record=Errand(), by=None)
    home = {
        "first_name": "Ilse",
        "tasks": TASKS,
        "coming": FEED,
        "since": {"label": "Since yesterday", "feed": FEED, "all": {"label": "All 23 changes", "url": "/c/"}},
    }
    return {
        "workflow/list.html": {
            "title": "Projects",
            "lede": "One row per project.",
            "rows": ROWS,
            "filter": {"form": FilterForm()},
            "searchable": True,
            "query": "",
            "offers": [{"label": "New project", "url": "/n/"}],
            "next_url": "?c=1",
            "exports": [{"label": "As JSON", "url": "/j/"}],
        },
        "workflow/detail.html": {
            "title": "Luce in Veneto",
            "lang": "it",
            "lede": "Smart lighting",
            "state": ACTIVE,
            "due": {"due_at": at(1)},
            "list_url": "/p/",
            "list_title": "Projects",
            "facts": [{"label": "Country", "value": "Italy"}, {"label": "Opened", "value": dt.date(2021, 5, 3)}],
            "offers": OFFERS,
            "parts": [
                {"title": "Sessions", "columns": SESSIONS["columns"], "rows": SESSIONS["rows"]},
                {"title": "Documents", "columns": ["Name"], "rows": [], "empty": "No document is here yet."},
            ],
            "timeline": TIMELINE,
            "timeline_url": "/trail/",
        },
        "workflow/step.html": STEP | {"form": session_form(WRONG), "lede": "What was done, and for whom."},
        "advisory/log_session.html": STEP
        | {"form": session_form(), "prefilled_from": "Filled in from your session of 19 August."},
        "facility/home_coordinator.html": home | {"figures": FIGURES, "live_url": "/live/"},
        "facility/home_manager.html": home
        | {
            "tasks": TASKS[2:],
            "projects": [PROJECT],
            "applications": [
                {
                    "title": "Luce in Veneto",
                    "url": "/a/",
                    "lang": "it",
                    "state": WAIT,
                    "step": {"label": "Submit", "url": "/a/s/"},
                }
            ],
            "offers": [{"label": "New application", "url": "/n/"}],
        },
        "facility/home_advisor.html": home
        | {
            "tasks": [],
            "log_url": "/log/",
            "projects": [PROJECT],
            "month": {"label": "August", "facts": [{"label": "Days", "value": Decimal("8.5")}], "url": "/m/"},
        },
        "facility/home_evaluator.html": {
            "call": "Call of 2021",
            "queue": QUEUE,
            "columns": ["Application", "Country", "State"],
            "rows": [[{"value": "Ebro Water Cluster", "url": "/e/", "lang": "en"}, "Spain", WAIT]],
            "guidance_url": "/g/",
        },
        "facility/home_observer.html": {
            "title": "Where the programme stands",
            "lede": "Figures of today.",
            "figures": FIGURES,
            "tables": [
                {
                    "title": "Projects by state",
                    "sentence": "16 of 25 are in support.",
                    "columns": ["State", "Projects"],
                    "rows": [[ACTIVE, 16]],
                    "url": "/p/",
                }
            ],
            "reports": [{"title": "Final report, draft 2", "url": "/r/", "at": dt.date(2021, 8, 2), "state": WAIT}],
        },
        "facility/review.html": marks()
        | {
            "application": {"title": "Ebro Water Cluster", "lang": "en", "lede": "Spain · water technology"},
            "queue": QUEUE,
            "number": 8,
            "answers": [
                {
                    "id": "q1",
                    "short": "Challenge",
                    "question": "What is the challenge of your members?",
                    "text": "Pumps.\n\nMeters <script>x</script>",
                }
            ],
            "areas": ["Optimising water use"],
            "documents": [{"title": "Letter", "url": "/d/"}],
            "given": "1 of 2 given",
            "points": "16 of 20 points so far",
            "blocked_by": ["Score and comment on “Fit” before you submit."],
            "save_url": "/e/save/",
            "submit_url": "/e/submit/",
        },
        "facility/review_conflict.html": {
            "application": {"title": "Ebro Water Cluster", "lang": "en", "lede": "Spain"},
            "queue": QUEUE,
            "number": 8,
            "facts": [{"label": "Lead", "value": "Ebro Water Cluster, Zaragoza"}],
            "ties": ["I work for one of them."],
            "form": conflict,
            "accept_url": "/e/accept/",
            "recuse_url": "/e/recuse/",
        },
        "facility/board.html": projects
        | {
            "lanes": [
                {"id": "assessing", "label": "Assessing", "count": 1, "cards": [CARD], "rest": []},
                {
                    "id": "support",
                    "label": "In support",
                    "count": 3,
                    "wide": True,
                    "cards": [CARD, CARD],
                    "rest": [CALM, CALM],
                },
            ]
        },
        "facility/board_table.html": projects
        | {
            "sorts": [
                {"label": "Project"},
                {"label": "State"},
                {"label": "Silent, days", "url": "?s=1", "order": "descending", "align": "right"},
            ],
            "rows": [
                {
                    "id": "1",
                    "title": "AQUIMER",
                    "url": "/p/",
                    "lang": "fr",
                    "country": "FR",
                    "selected": True,
                    "cells": [ACTIVE, 21],
                    "flags": CARD["flags"],
                }
            ],
            "totals": ["25 projects", "", 21],
            "bulk": [{"name": "message", "label": "Write to managers…"}],
        },
        "advisory/project.html": {
            "title": "Green Synergy Cluster",
            "lang": "en",
            "crumbs": CRUMBS,
            "lede": "Bulgaria · energy efficiency · 42 members",
            "states": [ACTIVE, {"label": "Two flags", "tone": "warn"}],
            "track": [
                {"label": "Opened", "note": "3 May", "place": "past"},
                {"label": "In support", "note": "since 12 July", "place": "now"},
                {"label": "Closed", "place": "ahead"},
            ],
            "here": [{"label": "Needs", "url": "#needs"}],
            "offers": OFFERS,
            "rare": [{"name": "stop", "label": "Stop…", "url": "/s/"}],
            "flags": ["A step is overdue."],
            "needs": NEEDS,
            "sessions": SESSIONS,
            "days": DAYS,
            "tables": [
                {"id": "plan", "title": "Plan", "columns": ["Action"], "rows": [], "empty": "No action is planned yet."}
            ],
            "line": [{"label": "End of support", "at": dt.date(2021, 9, 30), "ahead": True}],
            "line_url": "/trail/",
            "ask_url": "/q/",
        },
        "advisory/confirm_session.html": {
            "title": "Confirm the session of 24 August",
            "person": "Elena Dimitrova",
            "cluster": {"title": "Green Synergy Cluster", "lang": "en"},
            "advisor": "Petar Iliev",
            "facts": [{"label": "Hours", "value": "3 contact, 1.5 preparation"}],
            "form": conflict,
            "shell": PUBLIC,
        },
        "advisory/confirm_done.html": {
            "title": "Confirmed, thank you",
            "text": "The session counts now.",
            "undo_url": "/u/",
            "waiting": 2,
            "shell": PUBLIC,
        },
        "advisory/rank_needs.html": {
            "title": "Rank your six needs",
            "lede": "1 is what helps your members most.",
            "crumbs": CRUMBS,
            "needs": [
                {"id": f"n{n}", "title": f"Need {n}", "note": "Optimising water use", "rank": n} for n in (1, 2, 3)
            ],
            "problems": ["Give each number once."],
            "how": "Three people rank alone.",
            "voices": [{"text": "Núria Casals: sent 10 August", "tone": "good"}],
            "add_url": "/n/",
        },
        "advisory/match_run.html": {
            "title": "Match run 12",
            "lede": "25 projects, 312 advisors.",
            "crumbs": CRUMBS,
            "state": {"label": "Proven best", "tone": "good"},
            "offers": [OFFERS[0]],
            "proof": "1,935 of at most 1,935 points; gap 0.",
            "spread": {"values": [2, 6, 9, 5, 3], "label": "Pairs by score", "text": "66 to 88"},
            "load": {"values": [4, 3, 1], "label": "4, 3, 1", "text": "1 to 4"},
            "fairness": {"text": "4 % in the median.", "url": "/f/"},
            "kinds": CHIPS,
            "parts": [p["label"] for p in PAIR["parts"]],
            "pairs": [PAIR, PAIR | {"id": "p2", "mark": "pinned", "why": None}],
            "may": True,
            "live_url": "/live/",
        },
        "facility/toolkit.html": {
            "title": "Toolkit for cluster policy",
            "lede": "36 fields.",
            "filter": FilterForm(),
            "exports": [{"label": "CSV", "url": "/c/"}],
            "functions": ["Intelligence", "Networking", "Business services"],
            "themes": [
                {
                    "label": "Green transition",
                    "rows": [
                        {
                            "label": "Innovation",
                            "cells": [
                                {"url": "/t/1/", "actions": 2, "examples": 3, "sessions": s} for s in (0, 14, 33)
                            ],
                        }
                    ],
                }
            ],
            "note": {"text": "Sessions are put on fields by advisors.", "url": "/n/", "label": "How"},
            "evidence": True,
            "shell": PUBLIC,
        },
        "facility/toolkit_cell.html": {
            "title": "Networking for green innovation",
            "lede": "Clusters broker networks.",
            "crumbs": CRUMBS,
            "actions": [
                {
                    "text": "Ease joint investment.",
                    "code": "green.innovation.networking.a2",
                    "evidence": {"label": "5 sessions", "url": "/s/"},
                }
            ],
            "examples": {
                "columns": ["Example", "Country"],
                "rows": [[{"value": "GreenPact", "url": "/x/", "lang": "en"}, "Netherlands"]],
            },
            "propose_url": "/p/",
            "stories": [{"title": "Heat pumps", "url": "/s/", "text": "Ten members."}],
            "evidence": [{"label": "Sessions", "value": 28, "url": "/s/"}],
            "as_of": dt.date(2021, 8, 24),
            "beside": [{"label": "Skills", "url": "/b/"}],
            "roadmap_url": "/r/",
            "shell": PUBLIC,
        },
        "facility/trail.html": {
            "title": "Trail of the session of 14 July",
            "crumbs": CRUMBS,
            "entries": [e | {"role": "manager", "digest": "8f2c…e1"} for e in TIMELINE],
            "chain": {
                "holds": True,
                "title": "The chain holds",
                "text": "7 entries.",
                "url": "/v/",
                "label": "Check again",
            },
            "filter": FilterForm(),
            "exports": [{"label": "JSON", "url": "/j/"}],
        },
        "facility/search.html": {
            "query": "lamps",
            "groups": [
                {
                    "title": "Clusters",
                    "rows": [{"title": "Luce in Veneto", "url": "/c/", "lang": "it", "state": GOOD}],
                    "all_url": "/c/?search=lamps",
                }
            ],
        },
        "facility/jobs.html": {
            "jobs": [
                {
                    "id": "j1",
                    "title": "Read cv",
                    "about": {"value": "CV", "url": "/c/"},
                    "at": at(-1),
                    "state": {"label": "Parked", "tone": "bad"},
                    "progress": "",
                    "reason": "The file is damaged.",
                    "parked": True,
                }
            ]
        },
        "facility/inbox.html": {
            "notices": [
                {
                    "at": at(0, 8),
                    "subject": "A session waits",
                    "text": "Look and\nconfirm.",
                    "url": "/n/",
                    "unread": True,
                },
                {"at": at(-9), "subject": "Read", "text": "", "url": "", "unread": False},
            ],
            "unread": 1,
            "read_url": "/r/",
            "digest": {"text": "Mail comes once a day.", "url": "/d/", "label": "Change"},
        },
        "facility/public_home.html": {
            "title": "Green Transition Facility",
            "lede": "Advice for clusters.",
            "call": {
                "title": "Call of 2021",
                "text": "Open until 5 March 2021, 18:00, Brussels.",
                "url": "/c/",
                "label": "Read the call",
                "state": {"label": "Open", "tone": "active"},
            },
            "figures": FIGURES,
            "selected": {
                "title": "25 selected clusters",
                "columns": ["Cluster", "Country"],
                "rows": [[{"value": "Luce in Veneto", "lang": "it"}, "Italy"]],
            },
            "programmes": [{"title": "Facility of 2021", "url": "/p/", "text": "European Commission"}],
            "stories": [
                {"title": "Lamps", "url": "/s/", "text": "Italy"},
                {"title": "Wool", "url": "", "text": "Sweden"},
            ],
            "reports": [{"title": "Final report", "url": "/r/", "at": dt.date(2022, 2, 1)}],
            "webinars": FEED,
            "toolkit_url": "/t/",
            "shell": PUBLIC,
        },
        "404.html": {},
        "403.html": {"reason": "Only the lead coordinator releases."},
        "403_csrf.html": {},
        "500.html": {"request_id": "abc", "shell": None},
        "503.html": {"shell": None},
        "account/login.html": {"form": FilterForm(), "shell": PUBLIC},
        "account/logout.html": {},
        "account/password_reset.html": {"form": FilterForm(), "shell": PUBLIC},
        "account/password_reset_done.html": {"shell": PUBLIC},
        "mfa/authenticate.html": {"form": FilterForm(), "shell": PUBLIC},
    }


class Reader(HTMLParser):
    """What the tests ask about a page: ids, links, labels, described inputs, and anything the policy forbids."""

    def __init__(self, html):
        super().__init__()
        self.ids, self.tags, self.open, self.unclosed = [], [], [], []
        self.feed(html)
        self.close()

    VOID = frozenset({"meta", "link", "input", "img", "br", "source"})

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        assert len(given) == len(attrs), f"<{tag}> repeats an attribute: {attrs}"
        self.tags.append((tag, given))
        if "id" in given:
            self.ids.append(given["id"])
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> closes another tag"

    def all(self, tag, **wanted):
        return [a for t, a in self.tags if t == tag and all(a.get(k) == v for k, v in wanted.items())]


def render(name, **more):
    context = {"shell": SHELL, "request": RequestFactory().get("/here/"), "csrf_token": "c"} | pages()[name] | more
    return get_template(name).render(context)


def part(source, **context):
    return Template("{% load look %}" + source).render(Context({"shell": SHELL} | context))


PAGES = sorted(pages())


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_sound_html(name):
    page = Reader(render(name))

    assert page.open == []
    assert len(page.ids) == len(set(page.ids)), "an id stands twice"
    for _tag, attrs in page.tags:
        for key in ("aria-describedby", "aria-labelledby", "for", "form", "popovertarget"):
            for target in (attrs.get(key) or "").split():
                assert target in page.ids, f"{key} points to {target}, which is not here"
        if (attrs.get("href") or "").startswith("#") and attrs["href"] != "#":
            assert attrs["href"][1:] in page.ids, f"a link leads to {attrs['href']}, which is not here"
    assert len(page.all("h1")) == 1
    assert len(page.all("main")) == 1
    headings = [int(tag[1]) for tag, _attrs in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert all(after - before <= 1 for before, after in itertools.pairwise(headings)), headings


@pytest.mark.parametrize("name", PAGES)
def test_a_page_keeps_the_content_policy(name):
    for tag, attrs in Reader(render(name)).tags:
        assert "style" not in attrs, f"<{tag}> has a style of its own"
        assert not [key for key in attrs if key.startswith("on")], f"<{tag}> has a script of its own"
        assert tag != "style"
        assert tag != "script" or "src" in attrs or attrs.get("type") == "application/json"
        for key in ("src", "href", "action", "srcset"):
            value = attrs.get(key) or ""
            assert not value.startswith(("http:", "https:", "//", "javascript:")), f"{key} leads outside: {value}"


@pytest.mark.parametrize("name", PAGES)
def test_every_control_has_a_name_for_those_who_hear_it(name):
    page = Reader(render(name))
    labelled = {attrs.get("for") for attrs in page.all("label")}

    for tag in ("input", "select", "textarea"):
        for attrs in page.all(tag):
            if attrs.get("type") in {"hidden", "radio"}:
                continue
            assert attrs.get("aria-label") or attrs.get("id") in labelled, f"{tag} {attrs.get('name')} has no label"


@pytest.mark.parametrize("name", PAGES)
def test_one_button_at_most_is_filled(name):
    page = Reader(render(name))
    filled = [
        attrs
        for tag, attrs in page.tags
        if tag in {"a", "button"} and "ecl-button--primary" in (attrs.get("class") or "").split()
    ]

    assert len(filled) <= 1 + bool(SHELL["search_url"])  # the magnifier of the search is one too


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: str(template.relative_to(ROOT)))
def test_a_template_compiles(template):
    get_template(str(template).rsplit("/templates/", 1)[1])


def test_no_word_in_a_template_stands_outside_translation():
    bare = re.compile(r">([^<>{}]*[A-Za-z]{3,}[^<>{}]*)<")
    found = []
    for template in TEMPLATES:
        text = re.sub(r"\{#.*?#\}", "", template.read_text(encoding="utf-8"))
        text = re.sub(r"\{% (blocktranslate|comment)\b.*?\{% end\1 %\}", "", text, flags=re.DOTALL)
        found += [(template.name, words) for words in bare.findall(text) if words not in {"Alt"}]

    assert found == []


def test_the_sign_in_pages_are_ours():
    assert "facility/templates" in get_template("account/login.html").origin.name
    assert "facility/templates" in get_template("allauth/elements/button.html").origin.name


def test_what_people_typed_is_escaped():
    assert "<b>Luce</b>" not in render("workflow/list.html")
    assert "&lt;b&gt;Luce&lt;/b&gt;" in render("workflow/list.html")
    assert "<script>x" not in render("facility/review.html")
    assert part("{% show v %}", v={"value": "<i>", "url": "/?a=1&b=2", "lang": "it"}) == (
        '<a href="/?a=1&amp;b=2" lang="it">&lt;i&gt;</a>'
    )


def test_paragraphs_stay_paragraphs_and_hold_no_markup_of_others():
    html = part("{% show text %}", text="Pumps.\n\nMeters <i>.")

    assert html == "<p>Pumps.</p>\n\n<p>Meters &lt;i&gt;.</p>"


def test_the_name_of_a_cluster_carries_its_language_in_every_language():
    with override("nl"):
        html = render("workflow/list.html")

    assert '<a href="/r/1/" lang="es">Clúster IdiA</a>' in html


def test_a_blocked_step_keeps_its_button_and_says_why():
    page = Reader(render("workflow/detail.html"))
    (blocked,) = page.all("button", **{"aria-disabled": "true"})

    assert blocked["type"] == "button"
    assert "disabled" not in blocked
    assert blocked["aria-describedby"] == "why-wrap_up"
    assert "Record the outcome of need 6." in render("workflow/detail.html")


def test_a_step_without_a_page_posts_version_and_token():
    page = Reader(render("workflow/detail.html"))

    assert page.all("form", action="/s/", method="post")
    assert page.all("input", type="hidden", name="_version", value="7")
    assert page.all("input", type="hidden", name="_token", value="t1")


def test_the_error_summary_names_every_fault_and_leads_to_its_field():
    html = render("workflow/step.html")
    page = Reader(html)

    assert "4 things to mend" in html
    assert "To mend: Log a session" in html
    links = [attrs["href"] for attrs in page.all("a") if attrs["href"].startswith("#id_")]
    assert links == ["#id_day", "#id_contact_hours", "#id_served", "#id_firms-1-name"]
    (hours,) = page.all("input", name="contact_hours")
    assert hours["aria-invalid"] == "true"
    assert hours["aria-describedby"] == "id_contact_hours_error"
    assert hours["value"] == "12"
    assert html.index('role="alert"') < html.index("<h1>")


def test_a_form_without_faults_shows_no_summary():
    assert 'role="alert"' not in render("workflow/step.html", form=session_form())


def test_rows_are_added_and_taken_away_without_script():
    page = Reader(render("workflow/step.html"))

    assert page.all("input", type="hidden", name="firms-TOTAL_FORMS", value="3")
    assert page.all("input", name="firms-0-DELETE")
    assert not page.all("input", name="firms-2-DELETE"), "the empty row needs none"
    assert not page.all("button", name="add-firms"), "three rows are the most there may be"
    assert Reader(render("workflow/step.html", form=session_form())).all("button", name="add-firms", type="submit")


def test_help_and_native_fields():
    page = Reader(render("workflow/step.html", form=session_form()))
    (day,) = page.all("input", name="day")

    assert (day["type"], day["value"]) == ("date", "2021-08-24")
    assert page.all("textarea", name="outcome")[0]["aria-describedby"] == "id_outcome_helptext"
    assert page.all("form", method="post")[-1].get("enctype") is None or page.all("input", type="file")
    assert [a["value"] for a in page.all("input", type="radio", name="form") if "checked" in a] == ["workshop"]


def test_both_versions_are_shown_when_somebody_saved_in_between():
    stale = {"theirs": [{"field": "Hours", "value": "3"}], "mine": [{"field": "Hours", "value": "5"}], "version": 8}
    html = render("workflow/step.html", form=session_form(), stale=stale)

    assert "Somebody changed this while you wrote" in html
    assert html.index("<dd>3</dd>") < html.index("<dd>5</dd>") < html.index('name="day"')


@pytest.mark.parametrize(
    ("days", "hour", "words", "tone"),
    [
        (-5, 8, "5 days overdue", "is-bad"),
        (-1, 8, "since yesterday", "is-bad"),
        (0, 8, "since today, 08:00", "is-bad"),
        (0, 18, "today", "is-warn"),
        (1, 8, "tomorrow", "is-warn"),
        (2, 8, "Thursday", "is-warn"),
        (3, 8, "Friday", "soft"),
        (7, 8, "31 Aug", "soft"),
        (200, 8, "12 Mar 2022", "soft"),
    ],
)
def test_when_something_is_due(days, hour, words, tone):
    html = part("{% due at %}", at=at(days, hour))

    assert words in html.replace("March", "Mar")
    assert tone in html


def test_tasks_are_grouped_by_urgency():
    groups = look.by_urgency(TASKS, NOW)

    assert [(group["name"], len(group["tasks"])) for group in groups] == [("overdue", 2), ("week", 2), ("later", 2)]


@pytest.mark.parametrize(
    ("language", "words"), [("en", ">20 Aug<"), ("nl", ">20 aug<"), ("de", ">20. Aug.<"), ("fr", ">20 août<")]
)
def test_dates_are_written_as_people_of_the_language_do(language, words):
    with override(language):
        html = part("{% day at %}", at=dt.date(2021, 8, 20))

    assert words in html
    assert 'datetime="2021-08-20"' in html


def test_another_year_is_named_and_today_is_only_a_time():
    assert ">19 Dec 2020<" in part("{% day at %}", at=dt.date(2020, 12, 19))
    assert ">08:00<" in part("{% moment at %}", at=at(0, 8))
    assert ">Sun 08:00<" in part("{% moment at %}", at=at(-2, 8))


def test_a_bar_knows_no_decimal_comma_and_never_leaves_its_frame():
    with override("de"):
        html = part("{% burn 10.1 15 0.68 'a' 'b' %}")

    assert 'width="134.7"' in html
    assert 'x="134.6"' in html
    assert look.segments([20, 20], 30, 300) == [("0", "150"), ("150", "150")]
    assert look.segments([0], 0, 200) == [("0", "0")]


def test_the_ledger_says_its_figures_in_words_and_in_a_table():
    html = part("{% ledger parts total gone %}", **{key: DAYS[key] for key in ("parts", "total", "gone")})

    assert "Approved 12; Confirmed 4; Logged 2; Committed 6.5; left 5.5." in html
    assert "Time gone: 68 per cent." in html
    assert html.count("<tr>") == 7


@pytest.mark.parametrize(("sessions", "tint"), [(0, 0), (1, 1), (5, 1), (6, 2), (15, 2), (16, 3), (30, 3), (31, 4)])
def test_the_tint_of_a_toolkit_field(sessions, tint):
    assert look.heat(sessions) == tint


def test_a_row_of_another_length_than_its_head_is_not_shown_askew():
    with pytest.raises(ValueError, match="zip"):
        look.zipped(["one", "two"], ["only one"])


# What people meet before they know the Facility: these are whole in every language that has a catalogue.
FIRST_MET = [
    *("*.html", "account/*.html", "mfa/*.html", "charts/*.html", "parts/crumbs.html", "parts/problems.html"),
    *("parts/task*.html", "parts/waiting.html", "parts/filters.html", "parts/pager.html", "facility/home_manager.html"),
    *("facility/home_advisor.html", "facility/inbox.html", "advisory/confirm_*.html", "advisory/rank_needs.html"),
    "advisory/log_session.html",
]
PUBLIC_EVENT = ("beside_call.html", "public.html", "place.html", "place_over.html", "place.txt")
STRING = r"""u?('(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")"""
CALL = re.compile(rf"(?<!\w)(p?n?gettext|_)\({STRING}(?:, {STRING})?")


def words_of(template):
    """Every msgid of a template with its context, as a catalogue asks for them."""
    code = templatize(template.read_text(encoding="utf-8"), origin=template.name)
    for function, first, second in CALL.findall(code):
        words = [ast.literal_eval(one) for one in (first, second) if one]
        yield (words[1], words[0]) if function == "pgettext" else (words[0], None)


@pytest.mark.parametrize("language", ["nl", "de"])
def test_the_pages_first_met_speak_the_language(language):
    with (ROOT / "locale" / language / "LC_MESSAGES/django.po").open("rb") as file:
        catalogue = read_po(file, locale=language)
    folder = ROOT / "facility/templates"
    first = [found for pattern in FIRST_MET for found in folder.glob(pattern)]
    first += sorted(ROOT.glob("facility/workflow/templates/workflow/*.html"))
    first += [folder / "facility/call_questions.html", *folder.glob("facility/parts/a*.html")]
    first += [ROOT / "webinars/templates/webinars" / name for name in PUBLIC_EVENT]
    missing = {
        (words, template.name)
        for template in first
        for words, where in words_of(template)
        if not (message := catalogue.get(words, where)) or not message.string or not all(message.string)
    }

    assert len(first) > 40
    assert missing == set()


@pytest.mark.parametrize("language", ["nl", "de", "fr"])
def test_a_translation_keeps_names_of_values_and_markup(language):
    kept = re.compile(r"%\(\w+\)[sd]|\{\w+\}|</?\w+")
    with (ROOT / "locale" / language / "LC_MESSAGES/django.po").open("rb") as file:
        messages = [message for message in read_po(file, locale=language) if message.id]

    for message in messages:
        # Of a plural, the form for many: the one for one may say "one" without the number.
        asked, given = (one if isinstance(one, str) else one[-1] for one in (message.id, message.string))
        assert sorted(kept.findall(asked)) == sorted(kept.findall(given)), asked


def test_the_language_switch_comes_back_to_its_page():
    page = Reader(render("404.html"))

    assert page.all("form", action="/language/", method="post")
    assert page.all("input", name="next", value="/here/")
    assert [a["value"] for a in page.all("button", name="language")] == ["en", "nl", "de", "fr"]


def test_the_stylesheet_knows_every_class_that_a_page_uses():
    css = (ROOT / "facility/static/facility/workspace.css").read_text(encoding="utf-8")
    known = set(re.findall(r"\.([a-zA-Z][\w-]*)", css))
    used = {
        name
        for page in PAGES
        for _tag, attrs in Reader(render(page)).tags
        for name in (attrs.get("class") or "").split()
        if not name.startswith("ecl-")
    }

    # Names that a page carries for its structure alone.
    assert used - known - {"now", "main", "rest", "past"} <= {"section", "group-head", "queue", "side"}
