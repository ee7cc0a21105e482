"""Settings, driven by the environment; docs/deploy.md lists every variable."""

import sys
from datetime import timedelta
from math import ceil
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from environ import Env

from poweroptix.server import home as home_folder
from poweroptix.server.database import database_settings, process_of

env = Env()
BASE_DIR = Path(__file__).resolve().parent.parent
HOME = home_folder.home()
DEBUG = env.bool("DEBUG", default=False)
PROCESS = process_of(env.ENVIRON, sys.argv)
TESTING = "pytest" in sys.modules

# Keys and hosts ---------------------------------------------------------------------------
SECRET_KEY = env("SECRET_KEY", default="") or home_folder.secret_key()
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
if len(SECRET_KEY) < 50 and not DEBUG:
    raise ImproperlyConfigured(
        "SECRET_KEY is shorter than 50 characters, such as a demonstration key. Take it out of "
        "the environment (a key is then made and kept in the home folder) or set a random one."
    )
ALLOWED_HOSTS = env.list("POWEROPTIX_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("POWEROPTIX_ORIGINS", default=[])

# Applications -----------------------------------------------------------------------------
INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.import_export",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "import_export",
    "django_htmx",
    "django_q",
    "axes",
    "poweroptix.accounts",
    "poweroptix.audit",
    "poweroptix.jobs",
    "poweroptix.db",
    "meters",
    "contracts",
    "settlement",
    "esg",
    "billing",
    "poweroptix.office",
    "poweroptix.pages",
    "poweroptix.api",
    "poweroptix.portfolio",
    "poweroptix.demo",
    "poweroptix.server",
]
if env("POWEROPTIX_ADMIN_THEME", default="unfold") == "plain":
    INSTALLED_APPS = [name for name in INSTALLED_APPS if not name.startswith("unfold")]
AUTH_USER_MODEL = "accounts.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "poweroptix.urls"
WSGI_APPLICATION = "poweroptix.wsgi.application"
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "poweroptix.security.middleware.HeadersMiddleware",
    "poweroptix.security.middleware.BodyLimitMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "poweroptix.security.middleware.SessionLimitMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
    # Last: it runs the view itself, inside the database scope of whoever asks.
    "poweroptix.db.middleware.ScopeMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "poweroptix.office.context.navigation",
            ]
        },
    }
]

# Database ---------------------------------------------------------------------------------
DATABASES = {"default": database_settings(env.ENVIRON, PROCESS, HOME / "pg")}
# How the channels of a tenant are found, for row policies of readings: f(tenant_id) -> ids.
POWEROPTIX_TENANT_CHANNELS = "contracts.queries.channels_of_tenant"

# Counters that need not outlive their process; nothing is kept here that has to be right.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "OPTIONS": {"MAX_ENTRIES": 10_000},
    }
}

# People and sessions ----------------------------------------------------------------------
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
_VALIDATION = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"{_VALIDATION}.UserAttributeSimilarityValidator"},
    {"NAME": f"{_VALIDATION}.MinimumLengthValidator", "OPTIONS": {"min_length": 15}},
    {"NAME": f"{_VALIDATION}.CommonPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_IDLE_MINUTES = env.int("POWEROPTIX_SESSION_IDLE_MINUTES", default=30)
SESSION_COOKIE_SAMESITE = "Lax"
PROXY_COUNT = env.int("POWEROPTIX_PROXY_COUNT", default=0)
AXES_ENABLED = not TESTING
AXES_FAILURE_LIMIT = 8
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_TEMPLATE = "registration/locked.html"
AXES_IPWARE_PROXY_COUNT = PROXY_COUNT
# Without a proxy of ours, X-Forwarded-For is the visitor's own claim.
AXES_IPWARE_META_PRECEDENCE_ORDER = (
    ["HTTP_X_FORWARDED_FOR", "REMOTE_ADDR"] if PROXY_COUNT else ["REMOTE_ADDR"]
)

# Transport --------------------------------------------------------------------------------
HTTPS = env.bool("POWEROPTIX_HTTPS", default=False)
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 365 * 86400 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_NAME = "__Host-po_session" if HTTPS else "po_session"
CSRF_COOKIE_NAME = "__Host-po_csrf" if HTTPS else "po_csrf"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "django.views.csrf.csrf_failure"
if PROXY_COUNT:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# Language, time, files --------------------------------------------------------------------
LANGUAGE_CODE = "en-us"
USE_I18N = False
USE_TZ = True
# The set-up writes dates as every other page does.
FORMAT_MODULE_PATH = "poweroptix.pages.formats"
TIME_ZONE = "UTC"
STATIC_URL = "/static/"
STATIC_ROOT = HOME / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = env("MEDIA_ROOT", default=str(HOME / "media"))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    # Tests read the sources, never what a former ./start has collected.
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if TESTING
        else "poweroptix.security.static.HashedStorage"
    },
}
# Folders that a source may watch, and the one that its secrets lie in.
#: Days for which rows of finished jobs are kept; at least 30.
JOBS_KEPT_DAYS = max(30, env.int("POWEROPTIX_JOBS_KEPT_DAYS", default=90))
METERS_INBOXES = env.list("POWEROPTIX_INBOXES", default=[str(HOME / "inbox")])
# Modules that register formats of this house (docs/formats/mv90.md).
METERS_FORMATS = env.list("POWEROPTIX_FORMATS", default=[])
METERS_SECRETS_DIR = env("POWEROPTIX_SECRETS_DIR", default=env("CREDENTIALS_DIRECTORY", default=""))
FILE_UPLOAD_PERMISSIONS, FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o640, 0o2770
UPLOAD_MAX_BYTES = env.int("POWEROPTIX_UPLOAD_MAX_MB", default=50) * 1_000_000
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000

# Background work: the queue is only the doorbell; poweroptix.jobs keeps the record ----------
_Q_WORKERS, _Q_TIMEOUT, _Q_LIMIT = env.int("Q_WORKERS", default=2), 900, 1
Q_CLUSTER = {
    "name": "poweroptix",
    "orm": "default",
    "workers": _Q_WORKERS,
    "bulk": 1,
    "queue_limit": _Q_LIMIT,
    "timeout": _Q_TIMEOUT,
    # A task must not be handed out again while it may still run or wait in a worker's hands.
    "retry": (1 + ceil((_Q_LIMIT + 1) / _Q_WORKERS)) * (_Q_TIMEOUT + 3) + 120,
    "max_attempts": 1,
    "ack_failures": True,
    "catch_up": False,
    "poll": 1.0,
    "recycle": 50,
    "max_rss": 1_200_000,
    "save_limit": 500,
    "label": "Task queue (technical)",
    "compress": True,
}
if env("REDIS_URL", default=""):
    Q_CLUSTER["redis"] = env("REDIS_URL")
    del Q_CLUSTER["orm"]

# Shown at the top of every back office page, such as "Test" (not the live system).
ENVIRONMENT_BADGE = env("POWEROPTIX_BADGE", default="")

# API, admin, mail, logs -------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "NUM_PROXIES": PROXY_COUNT,
}
# Requests a minute that one token may make of one web process; 0 counts nothing.
API_PER_MINUTE = env.int("POWEROPTIX_API_PER_MINUTE", default=600)
SPECTACULAR_SETTINGS = {
    "TITLE": "PowerOptix API",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "poweroptix.api.description.complete",
    ],
    # Two words that several objects use for choices of their own.
    "ENUM_NAME_OVERRIDES": {
        "ImportFileStateEnum": "meters.models.FileState",
        "SettlementRunKindEnum": "settlement.models.SettlementRun.Kind",
        "DividedMonthStateEnum": "settlement.models.PoolMonth.State",
    },
}
UNFOLD = {"SITE_TITLE": "PowerOptix", "SITE_HEADER": "PowerOptix set-up", "SITE_URL": "/office/"}
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", default="poweroptix@localhost")
vars().update(env.email_url("EMAIL_URL", default="consolemail://"))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env("LOG_LEVEL", default="WARNING")},
}
