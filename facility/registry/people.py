"""People: whoever signs in, is invited, or acts by a one-use link."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from typing import Any

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import F
from django.http import HttpRequest
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from facility.roles import in_force
from facility.workflow import clock, roles
from facility.workflow.ids import uuid7

# What a token may do.
SCOPES = [("read", _("read")), ("write", _("read and write"))]


class PersonManager(BaseUserManager["Person"]):
    """Makes accounts; addresses are kept in lower case."""

    def create_user(self, email: str | None, name: str, password: str | None = None, **fields: Any) -> Person:
        """A person; without a password nobody can sign in as them until they set one."""
        person = self.model(email=email.strip().lower() if email else None, name=name, **fields)
        person.set_password(password) if password else person.set_unusable_password()
        person.save(using=self._db)
        return person

    def known_or_new(self, email: str, name: str, **fields: Any) -> Person:
        """The person of this address, made if there is none."""
        found = self.filter(email=email.strip().lower()).first()
        return found or self.create_user(email, name, **fields)


class Person(AbstractBaseUser):
    """A person. What somebody may do stands in grants, not here."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(_("e-mail"), unique=True, null=True, blank=True)
    name = models.CharField(_("name"), max_length=200)
    sort_name = models.CharField(max_length=200, blank=True, default="")
    language = models.CharField(_("language"), max_length=5, choices=settings.LANGUAGES, default="en")
    is_active = models.BooleanField(default=True)
    is_demo = models.BooleanField(default=False)
    joined_at = models.DateTimeField(default=clock.now)
    # How often all sessions of the person were ended; it is part of what a session must match.
    sessions_ended = models.PositiveIntegerField(default=0, editable=False)

    objects = PersonManager()
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        indexes = [models.Index(fields=["sort_name"], name="person_by_sort_name")]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keeps the name to sort by, the family name first; ends the sessions of an account that is disabled."""
        *given, family = self.name.split() or [""]
        self.sort_name = f"{family} {' '.join(given)}".strip().lower()
        # Counted by the database: a row read before somebody else ended the sessions must not undo that.
        counts = not self._state.adding and kwargs.get("update_fields") is None
        if counts:
            self.sessions_ended = F("sessions_ended") + (0 if self.is_active else 1)
        super().save(*args, **kwargs)
        if counts:
            self.refresh_from_db(fields=["sessions_ended"])

    def title(self) -> str:
        """How the person is called on pages."""
        return self.name

    def end_sessions(self) -> None:
        """Every session of the person ends with its next request."""
        type(self).objects.filter(pk=self.pk).update(sessions_ended=F("sessions_ended") + 1)

    def _get_session_auth_hash(self, secret: Any = None) -> str:
        said = f"{self.password}{self.sessions_ended}"
        return salted_hmac("facility.registry.people.Person", said, secret=secret, algorithm="sha256").hexdigest()

    def can_sign_in(self) -> bool:
        """Whether the person has set a password, or has come in once, perhaps by an account elsewhere."""
        return self.has_usable_password() or self.last_login is not None

    def overseers(self) -> list[Any]:
        """Nobody is told when work about a person stops; whoever waits for a mail asks again."""
        return []

    def scope_id(self) -> None:
        """A person belongs to no programme; jobs about one ask this, as they ask records."""

    def grants_held(self) -> frozenset[roles.Held]:
        """What the person holds now, as role, kind of scope and key; read once per request."""
        return roles.of(self.pk, self._read_grants)

    def _read_grants(self) -> frozenset[roles.Held]:
        return frozenset(in_force().filter(person=self.pk).values_list("role", "scope_type", "scope_key"))

    def roles_held(self) -> frozenset[str]:
        """The roles that the person holds anywhere now."""
        return frozenset(role for role, _type, _key in self.grants_held())


class SignedIn(HttpRequest):
    """A request behind the sign-in."""

    user: Person


class Token(models.Model):
    """A key for the API: only its hash is kept; it expires and can be revoked."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="tokens")
    label = models.CharField(max_length=80)
    sha256 = models.CharField(max_length=64, unique=True)
    scope = models.CharField(max_length=10, choices=SCOPES, default="write")
    made_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.label

    @classmethod
    def make(cls, person: Person, label: str, *, scope: str = "write", days: int = 90) -> str:
        """A new token, shown once and never again."""
        plain = f"fac_{secrets.token_urlsafe(32)}"
        instant = clock.actual()
        cls.objects.create(
            person=person, label=label, scope=scope, sha256=_hash(plain), expires_at=instant + dt.timedelta(days=days)
        )
        return plain

    @classmethod
    def in_force(cls, **of: Any) -> models.QuerySet[Token]:
        """The tokens that work now, as far as they themselves say."""
        return cls.objects.filter(revoked_at__isnull=True, expires_at__gt=clock.actual(), **of)

    @classmethod
    def revoke(cls, **of: Any) -> int:
        """Ends the tokens that these words name; answers how many."""
        return cls.in_force(**of).update(revoked_at=clock.actual())

    @classmethod
    def person_of(cls, plain: str) -> tuple[Person, str] | None:
        """(person, scope) of a token that is in force, else None."""
        found = cls.in_force(sha256=_hash(plain), person__is_active=True).select_related("person").first()
        return (found.person, found.scope) if found else None


def _hash(plain: str) -> str:
    return hashlib.sha256(plain.encode()).hexdigest()
