"""All settings. Production differs from development by environment alone; every variable is read through `crm.env` (D13)."""

from pathlib import Path

from csp.constants import NONCE, NONE, SELF
from django.utils.translation import gettext_lazy as _

from crm import env

BASE_DIR = Path(__file__).resolve().parent.parent

DEBUG = env.flag("LOTSE_DEBUG")
SECRET_KEY = env.secret("SECRET_KEY", "only-for-development" if DEBUG else env._REQUIRED)
ALLOWED_HOSTS = env.items("LOTSE_HOSTS", "*" if DEBUG else "")
CSRF_TRUSTED_ORIGINS = env.items("LOTSE_ORIGINS")
BASE_URL = env.text("LOTSE_BASE_URL", "http://localhost:8000")  # used in mails and PDFs, where there is no request
SHOW_DEMO_SIGN_INS = env.flag("LOTSE_DEMO")  # the sign-in page then names the demo users

INSTALLED_APPS = [
    "crm.apps.LotseAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "guardian",
    "crispy_forms",
    "crispy_bootstrap5",
    "django_filters",
    "django_htmx",
    "csp",
    "crm.core",
    "crm.catalog",
    "accounts",
    "contacts",
    "sales",
    "service",
    "campaigns",
    "analytics",
    "crm",
]

MIDDLEWARE = [
    "crm.core.middleware.RequestId",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "crm.core.middleware.CleanInput",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "crm.setup_wizard.FirstRun",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "crm.core.middleware.Preferences",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "crm.core.middleware.Errors",
    "crm.core.middleware.Once",
]

ROOT_URLCONF = "crm.urls"
WSGI_APPLICATION = "crm.wsgi.application"
WEB_WORKERS = env.number("LOTSE_WEB_WORKERS", 2)
WEB_THREADS = env.number("LOTSE_WEB_THREADS", 4)
WORKER_NICE = env.number("LOTSE_WORKER_NICE", 5)

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
                "django.template.context_processors.i18n",
                "csp.context_processors.nonce",
                "crm.navigation.shell",
            ],
            "builtins": ["crm.core.templatetags.lotse"],
        },
    }
]

# --- the one Postgres (D1) -------------------------------------------------------------------------------------------
DATABASES = {"default": env.database("DATABASE_URL")}
DATABASES["default"]["CONN_MAX_AGE"] = env.number("LOTSE_DB_CONN_MAX_AGE", 60)
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DATABASE_POOLED = env.flag("LOTSE_DB_POOLED")  # a pooler gives each transaction another connection: nothing may lean on a session
DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = DATABASE_POOLED
# Seconds after which Postgres ends a statement, or a transaction that does nothing; 0: never. Compose sets them for the page alone: what
# runs in the background may take its time. A pooler takes no options: there they belong into its own settings (docs/operations.md).
_LIMITS = {
    "statement_timeout": env.number("LOTSE_DB_STATEMENT_TIMEOUT", 0),
    "idle_in_transaction_session_timeout": env.number("LOTSE_DB_IDLE_TIMEOUT", 0),
}
if not DATABASE_POOLED and any(_LIMITS.values()):
    _words = [DATABASES["default"]["OPTIONS"].get("options", ""), *(f"-c {name}={seconds}s" for name, seconds in _LIMITS.items() if seconds)]
    DATABASES["default"]["OPTIONS"]["options"] = " ".join(filter(None, _words))
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.text("REDIS_URL")
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}
SESSION_ENGINE = "django.contrib.sessions.backends.db"  # the truth is in Postgres: a flushed Valkey signs nobody out

# --- Celery (D10) ----------------------------------------------------------------------------------------------------
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_SOFT_TIME_LIMIT = 600
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE = {"tick": {"task": "crm.core.tasks.tick", "schedule": 60.0}}
CELERY_TIMEZONE = "UTC"

# --- people and rights (D3, D19) -------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "allauth.account.auth_backends.AuthenticationBackend",
    "crm.core.backend.RecordBackend",
]
ANONYMOUS_USER_NAME = None
# guardian stores our grants; reading them is the gate's job alone. Its backend would open rows by model permission and
# would disagree with `visible_to`, so it stays out, and the check that asks for it is silenced.
SILENCED_SYSTEM_CHECKS = ["guardian.W001"]
LOTSE_RIGHTS = "accounts.rights.rights_of"
GUARDIAN_MONKEY_PATCH_USER = False
LOTSE_ENTITIES = "crm.entities.ENTITIES"
LOTSE_FIELDS = "crm.fields.FIELDS"
LOTSE_SUBJECTS = "crm.subjects.SUBJECTS"
LOTSE_SUBSCRIPTIONS = "crm.subscriptions.SUBSCRIPTIONS"
LOTSE_JOBS = "crm.jobs.JOBS"
LOTSE_SCHEDULES = "crm.schedules.SCHEDULES"
LOTSE_EACH_TICK = "crm.schedules.EACH_TICK"
LOTSE_UNDOS = "crm.undos.UNDOS"
LOTSE_MOVED = "contacts.tombstones.moved_on"
LOTSE_PANELS = "crm.panels.PANELS"
LOTSE_MAILS = "crm.mails.MAILS"
LOTSE_START_PAGES = "crm.navigation.start_pages"
LOTSE_MAIL_TEXTS = "crm.mails.TEXTS"
LOTSE_INBOX = "crm.mails.INBOX"

LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_ADAPTER = "accounts.adapter.ClosedSignup"
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_PREVENT_ENUMERATION = "strict"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False  # the other sessions end, by their hash; the one at hand goes on
ACCOUNT_RATE_LIMITS = {"login": "60/m/ip", "login_failed": "10/m/ip,5/5m/key", "reset_password": "20/m/ip,5/m/key"}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# --- language and numbers (D20) --------------------------------------------------------------------------------------
LANGUAGE_CODE = env.text("LOTSE_LANGUAGE", "de")
LANGUAGES = [("de", _("German")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "crm" / "locale"]
TIME_ZONE = env.text("LOTSE_TIME_ZONE", "Europe/Berlin")
USE_TZ = True
USE_I18N = True
USE_THOUSAND_SEPARATOR = False

# --- files -----------------------------------------------------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = env.text("LOTSE_STATIC_ROOT", BASE_DIR / "staticfiles")
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "crm.core.assets.NodeFinder",
]
MEDIA_ROOT = env.text("LOTSE_MEDIA_ROOT", BASE_DIR / "media")
_STATIC = {
    "plain": "django.contrib.staticfiles.storage.StaticFilesStorage",
    "hashed": "crm.core.assets.HashedStorage",
    "compressed": "crm.core.assets.CompressedStorage",
}
# --- backups: never on the same disk alone (docs/backup.md) ------------------------------------------------------------
BACKUP_FOLDER = env.text("LOTSE_BACKUP_FOLDER", BASE_DIR / ".local" / "backups")
BACKUPS_EXPECTED = bool(env.text("LOTSE_BACKUP_FOLDER", ""))  # who names a folder means to have backups in it: a drill looks for them
BACKUP_KEY = env.secret("LOTSE_BACKUP_KEY", "")  # a passphrase: with one, every backup is encrypted
# Postgres itself, where DATABASE_URL leads to a pooler: pg_dump and a restore need sessions of their own.
BACKUP_DATABASE = env.database("LOTSE_BACKUP_DATABASE_URL") if env.text("LOTSE_BACKUP_DATABASE_URL", "") else None
DRILL_DATABASE = env.text("LOTSE_DRILL_DATABASE_URL", env.text("LOTSE_BACKUP_DATABASE_URL", env.text("DATABASE_URL")))  # on this server a drill makes its throw-away database
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": _STATIC[env.choice("LOTSE_STATIC", _STATIC, "plain" if DEBUG else "compressed")]},
}
WHITENOISE_USE_FINDERS = DEBUG
FILE_UPLOAD_HANDLERS = [
    "crm.core.uploads.Limited",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "crm.core.uploads.Spooled",
]
FILE_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000  # a larger form is taken apart into so many pieces that the worker keeps the holes
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000
LOTSE_UPLOAD_LIMIT = env.number("LOTSE_UPLOAD_LIMIT_MB", 64) * 1_000_000

# --- mail ------------------------------------------------------------------------------------------------------------
SMTP_HOST = env.text("LOTSE_SMTP_HOST", "")  # without one, mails become files; the set-up pages may name another server
EMAIL_FILE_PATH = Path(env.text("LOTSE_MAIL_FOLDER", BASE_DIR / ".local" / "mail"))
EMAIL_PORT = env.number("LOTSE_SMTP_PORT", 25)
EMAIL_HOST_USER = env.text("LOTSE_SMTP_USER", "")
EMAIL_HOST_PASSWORD = env.secret("LOTSE_SMTP_PASSWORD", "")
EMAIL_USE_TLS = env.flag("LOTSE_SMTP_TLS")
EMAIL_TIMEOUT = 20  # seconds the mail server has for each answer; three times that behind the last dot
SMTP_LOG = env.text("LOTSE_SMTP_LOG", "")
MAIL_LIMIT = 30_000_000  # bytes of an incoming mail; what is larger stays in the mailbox and is shown
MAIL_LEASE = 360  # seconds a mail may be on its way: longer than any conversation, and than a mail server waits for a silent client
DEFAULT_FROM_EMAIL = env.text("LOTSE_MAIL_FROM", "Lotse <lotse@localhost>")

# --- the browser's side of safety ------------------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],  # Tabler draws ticks and chevrons as data images
        "font-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
HTTPS = env.flag("LOTSE_HTTPS", default=False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_NAME = env.text("LOTSE_COOKIE", "lotse")
CSRF_COOKIE_NAME = f"{SESSION_COOKIE_NAME}-csrf"
CSRF_FAILURE_VIEW = "crm.pages.form_too_old"
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.flag("LOTSE_BEHIND_PROXY") else None
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if env.flag("LOTSE_BEHIND_PROXY") else 0

CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"
FORM_RENDERER = "django.forms.renderers.DjangoTemplates"

ERRORS_DSN = env.secret("LOTSE_ERRORS_DSN", "")  # a collector of errors; without one nothing of it is imported
METRICS_TOKEN = env.secret("LOTSE_METRICS_TOKEN", "")  # opens /metrics; without one there is no such address
LOG = env.choice("LOTSE_LOG", ("plain", "json"), "plain")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"about": {"()": "crm.core.logs.About"}},
    "formatters": {"plain": {"format": "%(levelname)s %(request_id)s %(name)s: %(message)s"}, "json": {"()": "crm.core.logs.Json"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG, "filters": ["about"]}},
    "loggers": {
        "django": {"handlers": [], "level": "INFO"},  # Django's own would write beside ours
        "flufl.bounce": {"level": "CRITICAL"},  # some of its readers fall over hostile mails; the others are asked all the same
        "django.request": {"level": "ERROR"},  # the access log tells of refusals
        "gunicorn.error": {"handlers": [], "propagate": True},
        "lotse.access": {"level": "INFO" if LOG == "json" else "WARNING"},  # at a terminal it would hide what matters
    },
    "root": {"handlers": ["console"], "level": env.text("LOTSE_LOG_LEVEL", "INFO")},
}
