"""One settings file; everything that differs between machines comes from the environment."""

import hashlib
import os
import sys
from pathlib import Path
from typing import Any

import environ
import structlog
from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _
from redis.backoff import NoBackoff
from redis.retry import Retry

from config.logs import without_values

BASE_DIR = Path(__file__).resolve().parent.parent
LOCAL = BASE_DIR / ".local"
env = environ.Env()
# What comes to be while it runs: documents, the mail of a local server, the demo's files.
DATA_ROOT = Path(env("DATA_ROOT", default=str(LOCAL)))

DEMO_SECRET = "demo-only-and-never-in-production"  # noqa: S105
DEBUG = env.bool("DEBUG", default=False)
# A local server on the embedded services is the only place where a default secret is accepted.
EMBEDDED = env.bool("EMBEDDED", default=False)
SECRET_KEY = env("SECRET_KEY", default=DEMO_SECRET if EMBEDDED else "")
BASE_URL = env("BASE_URL", default="http://127.0.0.1:8000")
SECURE = BASE_URL.startswith("https://")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost"] if EMBEDDED else [])
CSRF_TRUSTED_ORIGINS = [BASE_URL]
# How many proxies stand in front: so many addresses at the end of X-Forwarded-For are believed.
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=0)
# The clock of the demo: a file that holds an instant. Empty means that time is the machine's.
DEMO_CLOCK = env("DEMO_CLOCK", default="")

if not SECRET_KEY:
    raise ImproperlyConfigured("Set SECRET_KEY to a long random value.")
if not EMBEDDED:
    if DEBUG:
        raise ImproperlyConfigured("DEBUG is only for a machine with the embedded services.")
    if "*" in ALLOWED_HOSTS:
        raise ImproperlyConfigured("ALLOWED_HOSTS names the hosts; a wildcard is refused.")
    if SECRET_KEY == DEMO_SECRET:
        raise ImproperlyConfigured("SECRET_KEY is the demo's; set your own.")
    if DEMO_CLOCK:
        raise ImproperlyConfigured("DEMO_CLOCK sets the time and is only for the demo on embedded services.")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.forms",
    "facility.workflow",
    "facility",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "csp",
    "django_countries",
    "django_filters",
    "django_htmx",
    "django_fsm",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
    "advisory",
    "webinars",
    "reporting",
    "config",
    # Apps of a deployment's own, and the test suite's example workflow.
    *env.list("EXTRA_APPS", default=[]),
]

MIDDLEWARE = [
    "facility.workflow.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "facility.accounts.SessionLimits",
    "facility.accounts.SecondFactorMiddleware",
    "facility.workflow.middleware.RefusalMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "facility.web.shell",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# The owner changes the schema and makes test databases; the application's role only serves. The commands that
# change the schema connect as the owner, everything else as the application.
AS_OWNER = {"migrate", "makemigrations", "prepare_database", "erase_person", "flush", "sqlmigrate", "showmigrations"}
DATABASE_URL = env("DATABASE_URL", default="")
MIGRATE_DATABASE_URL = env("MIGRATE_DATABASE_URL", default=DATABASE_URL)
_is_owner = len(sys.argv) > 1 and sys.argv[1] in AS_OWNER
DATABASE_OPTIONS = {
    "lock_timeout": "3s",
    "timezone": "UTC",
    # A worker whose machine has died must lose its locks soon, or nobody takes up its job.
    "tcp_keepalives_idle": "15",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "client_connection_check_interval": "5s",
}
DATABASES: dict[str, Any] = {
    "default": env.db_url_config(MIGRATE_DATABASE_URL if _is_owner else DATABASE_URL)
    if DATABASE_URL
    else {"ENGINE": "django.db.backends.dummy"}
}
if DATABASE_URL:
    DATABASES["default"] |= {
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": DATABASES["default"].get("OPTIONS", {})
        | {"options": " ".join(f"-c {name}={value}" for name, value in DATABASE_OPTIONS.items())},
    }
APPLICATION_ROLE = environ.Env.db_url_config(DATABASE_URL)["USER"] if DATABASE_URL else ""
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env("REDIS_URL", default="")
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    if not REDIS_URL
    else {
        "BACKEND": "facility.cache.SharedCache",
        "LOCATION": REDIS_URL.replace("redis+socket", "unix"),
        # A server that is away is noticed at once: redis-py would try eight times before it says so.
        "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1, "retry": Retry(NoBackoff(), 0)},
    }
}

# On machines of their own, processes go by the database's clock; on one machine there is only one clock.
DATABASE_CLOCK = env.bool("DATABASE_CLOCK", default=not EMBEDDED)

AUTH_USER_MODEL = "facility.Person"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ["name", "email"]},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
# Leads, coordinators and evaluators sign in with a second factor; the demo turns it off.
SECOND_FACTOR = env.bool("SECOND_FACTOR", default=not EMBEDDED)
ACCOUNT_ADAPTER = "facility.accounts.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES
ACCOUNT_FORMS = {"reset_password": "facility.forms.accounts.ResetPassword"}
# Nobody who has no account here is written to.
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
# Failed tries are counted by address and by account, also those with codes of a second factor; the rest by address.
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,5/5m/key", "login": "30/m/ip", "reset_password": "20/m/ip,5/m/key"}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_ISSUER = "Facility"
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
# Accounts come by an invitation to their address, which is the proof of it.
MFA_ALLOW_UNVERIFIED_EMAIL = True
# Browsers allow passkeys on plain http for `localhost` only; elsewhere the origin is compared.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = EMBEDDED and not SECURE

# One provider of OpenID Connect, such as EU Login. Without an issuer there is none.
OIDC_ISSUER = env("OIDC_ISSUER", default="")
# Values of `acr` by which the provider says that it asked for several factors.
OIDC_MFA_ACR = env.list("OIDC_MFA_ACR", default=[])
if OIDC_ISSUER and not OIDC_ISSUER.startswith("https://") and not EMBEDDED:
    raise ImproperlyConfigured("OIDC_ISSUER is an address with https.")


def openid_connect(issuer: str, client_id: str, secret: str, name: str) -> dict[str, Any]:
    """The provider as allauth wants it. Its id follows from the issuer, so that a subject of another one is unknown."""
    app = {
        "provider_id": hashlib.sha256(issuer.encode()).hexdigest()[:16],
        "name": name,
        "client_id": client_id,
        "secret": secret,
        "settings": {"server_url": issuer.rstrip("/"), "fetch_userinfo": False},
    }
    return {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "SCOPE": ["openid"], "APPS": [app] if issuer else []}}


SOCIALACCOUNT_PROVIDERS = openid_connect(
    OIDC_ISSUER,
    env("OIDC_CLIENT_ID", default=""),
    env("OIDC_CLIENT_SECRET", default=""),
    env("OIDC_NAME", default="EU Login"),
)
SOCIALACCOUNT_ADAPTER = "facility.accounts.SocialAdapter"
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False
SOCIALACCOUNT_STORE_TOKENS = False
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/workspace/"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("nl", "Nederlands"), ("de", "Deutsch"), ("fr", "Français")]
LOCALE_PATHS = [BASE_DIR / "locale"]
# Times are stored in UTC; pages show and forms read them in the zone of the office.
TIME_ZONE = env("TIME_ZONE", default="Europe/Brussels")
USE_TZ = True
# What a filter reads that narrows nothing.
FILTERS_EMPTY_CHOICE_LABEL = _("Any")
PLATFORM_NAME = _("Green Transition Facility")

STATIC_URL = "/static/"
STATIC_ROOT = env("STATIC_ROOT", default=str(LOCAL / "static"))
STATICFILES_DIRS = [path for path in [LOCAL / "assets" / "static"] if path.exists()]
FONTS = LOCAL / "assets" / "fonts"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "documents": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": env("DOCUMENTS_ROOT", default=str(DATA_ROOT / "documents"))},
    },
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
FILE_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
# A folder of CVs comes as that many files, a long CV as that many fields to confirm.
DATA_UPLOAD_MAX_NUMBER_FILES, DATA_UPLOAD_MAX_NUMBER_FIELDS = 600, 5_000
DOCUMENT_MAX_BYTES = 10_000_000

# No default elsewhere: mails hold names and one-use links, which must not end in a log.
if not EMBEDDED and not env("EMAIL_URL", default=""):
    raise ImproperlyConfigured("Set EMAIL_URL to the mail server, such as smtp+tls://user:password@host:587.")
EMAIL_CONFIG = env.email_url("EMAIL_URL", default=f"filemail:///{DATA_ROOT}/mail")
vars().update(EMAIL_CONFIG)
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", default="facility@example.org")
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
EMAIL_TIMEOUT = 20
# Whoever asks for /metrics from outside the own network shows this key; without it, nobody outside may ask.
METRICS_TOKEN = env("METRICS_TOKEN", default="")

CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# The table of jobs is the truth: a broker that comes back may deliver again, and whoever runs a job goes on with it.
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_SOFT_TIME_LIMIT = 540
CELERY_TASK_TIME_LIMIT = 600
# A message that a worker took and lost is not noted and put back by the broker's client: the relay rings again for what
# the table says is not done. What notes it breaks the worker when the broker goes away twice (kombu 5.7).
CELERY_BROKER_TRANSPORT_OPTIONS = {"ack_emulation": False, "socket_timeout": 5, "socket_connect_timeout": 2}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

EMBEDDER_SOCKET = env("EMBEDDER_SOCKET", default=str(LOCAL / "embedder.sock"))

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "facility.bearer.BearerAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser", "rest_framework.parsers.MultiPartParser"],
    "EXCEPTION_HANDLER": "facility.workflow.api.problem",
    "DEFAULT_SCHEMA_CLASS": "facility.workflow.schema.RecordSchema",
    "NUM_PROXIES": TRUSTED_PROXIES,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Facility",
    "DESCRIPTION": "Technical-assistance programmes from open call to final report.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SERVE_INCLUDE_SCHEMA": False,
}

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = SECURE
SECURE_HSTS_SECONDS = 31_536_000 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE
SECURE_HSTS_PRELOAD = SECURE
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_REDIRECT_EXEMPT = ["^live$", "^ready$", "^metrics$"]
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_NAME = "__Host-session" if SECURE else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if SECURE else "csrf"
# Seconds: everybody signs in anew after the first, staff also after the second without a request.
SESSION_COOKIE_AGE = 8 * 3600
SESSION_IDLE = 30 * 60
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        # The button to the provider is a post that is redirected there.
        "form-action": [SELF, *(["/".join(OIDC_ISSUER.split("/")[:3])] if OIDC_ISSUER else [])],
    }
}

LOG_LEVEL = env("LOG_LEVEL", default="INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processor": structlog.processors.JSONRenderer(),
            "foreign_pre_chain": [
                structlog.contextvars.merge_contextvars,
                structlog.stdlib.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                without_values,
            ],
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        # Request lines of the server carry addresses; our own middleware logs what is needed.
        "django.server": {"level": "ERROR"},
        "django.request": {"level": "ERROR"},
    },
}
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        without_values,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
os.environ.setdefault("OMP_NUM_THREADS", "1")
