"""The check that every word for people is marked for translation, and that it finds what is not."""

import pytest
from django.conf import settings

from config.management.commands.check_translations import APPS, bare_words
from config.wording import in_python, in_template


def test_every_word_for_people_is_marked():
    assert [f"{path.name}:{bare.line}: {bare.words}" for path, bare in bare_words(settings.BASE_DIR)] == []


def test_control_the_check_reads_what_there_is():
    """It would find nothing either if it looked nowhere."""
    read = [path for app in APPS for path in (settings.BASE_DIR / app).rglob("*.html")]
    assert len(read) > 80


@pytest.mark.parametrize(
    ("template", "found"),
    [
        ("<p>Waits on you</p>", [(1, "Waits on you")]),
        ("{% if a %}\n<b>Draft</b>{% endif %}", [(2, "Draft")]),
        ('<img alt="A flag">', [(1, "A flag")]),
        ("<input placeholder='Your name' title=\"{{ t }}\">", [(1, "Your name")]),
        ('{% include "x.html" with empty="Nothing is here." %}', [(1, "Nothing is here.")]),
        ("{% firstof title 'Not yet' %}", [(1, "Not yet")]),
        ("{% blocktranslate %}In{% endblocktranslate %} Out", [(1, "Out")]),
        ("{{ one }} until {{ two }}", [(1, "until")]),
    ],
)
def test_it_finds_bare_words_in_templates(template, found):
    assert [(bare.line, bare.words) for bare in in_template(template)] == found


@pytest.mark.parametrize(
    "template",
    [
        "<p>{% translate 'Waits on you' %}</p>",
        "{% blocktranslate count n=1 %}One day{% plural %}{{ n }} days{% endblocktranslate %}",
        "{# A comment on this page. #}{% comment %}Not shown{% endcomment %}",
        '{% include "x.html" with empty=_("Nothing is here.") %}',
        '<p class="work soft" id="why">· / 1 % {{ words }}</p>',
        "<kbd>Alt</kbd><code>green.innovation</code>",
        '{% icon "check-filled" "m" %}{% url "home" %}',
        '<h1{% if lang %} lang="{{ lang }}"{% endif %}>{{ title }}</h1>',
    ],
)
def test_it_leaves_alone_what_is_marked_or_no_word(template):
    assert in_template(template) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('name = forms.CharField(label="Name")', "Name"),
        ('name = forms.CharField(help_text="As on the card.")', "As on the card."),
        ('name = models.CharField("name", max_length=5)', "name"),
        ('class Meta:\n    verbose_name = "call"', "call"),
        ('class A(Record):\n    lede = "All calls."', "All calls."),
        ('class State(models.TextChoices):\n    OPEN = "open", "Open"', "Open"),
        ('class Kind(models.TextChoices):\n    OPEN = "open"', "open"),
        ('kind = models.CharField(_("kind"), choices=[("a", "An answer")])', "An answer"),
        ('@guard("Sign first.")\ndef is_signed(self): ...', "Sign first."),
        ('@step(label="Publish", who=office)\ndef publish(self): ...', "Publish"),
        ('raise ValidationError("Too long.")', "Too long."),
        ('raise Blocked(["Not now."])', "Not now."),
        ('raise NotAllowed("Not yours.")', "Not yours."),
        ('self.add_error("name", "Give a name.")', "Give a name."),
        ('self.tell(people, "It is open.")', "It is open."),
    ],
)
def test_it_finds_bare_words_in_python(source, found):
    assert [bare.words for bare in in_python(source)] == [found]


@pytest.mark.parametrize(
    "source",
    [
        'name = forms.CharField(label=_("Name"), help_text=gettext_lazy("As on the card."))',
        'call = models.ForeignKey("facility.Call", verbose_name=_("call"))',
        'slug = models.SlugField(_("address"))',
        'class State(models.TextChoices):\n    OPEN = "open", _("Open")',
        'size = forms.ChoiceField(label=_("Size"), choices=[("", "–"), *SIZES])',
        'self.tell(people, gettext_noop("It is open."))',
        'raise Blocked([_("Not now.")])',
        'raise ValueError("for developers")',
        'class App(AppConfig):\n    label = "facility"',
    ],
)
def test_it_leaves_alone_what_is_marked_or_for_developers(source):
    assert in_python(source) == []
