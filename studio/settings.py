"""Django's settings. Values that differ between machines come from `studio.environment`."""

import warnings
from pathlib import Path
from typing import Any

import environ
from corsheaders.defaults import default_headers
from csp.constants import NONE, SELF

from studio.environment import read

BASE_DIR = Path(__file__).resolve().parent.parent
ENVIRONMENT = read()

# Settings that our code reads from django.conf.settings.
GENGA_HOME = ENVIRONMENT.home
GENGA_REDIS_URL = ENVIRONMENT.redis_url.get_secret_value()
GENGA_HEARTBEAT_SECONDS = ENVIRONMENT.heartbeat_seconds
GENGA_LEASE_SECONDS = ENVIRONMENT.lease_seconds
GENGA_AGEING_MINUTES = ENVIRONMENT.ageing_minutes
GENGA_SNAPSHOT_SECONDS = ENVIRONMENT.snapshot_seconds
GENGA_FRAMES_DAYS = ENVIRONMENT.frames_days
GENGA_TRASH_DAYS = ENVIRONMENT.trash_days
GENGA_HISTORY_DAYS = ENVIRONMENT.history_days
GENGA_CALIBRATE = ENVIRONMENT.calibrate
GENGA_SUBMIT_RATE = ENVIRONMENT.submit_rate
GENGA_LOCAL_USER = ENVIRONMENT.local_user
GENGA_METRICS_TOKEN = ENVIRONMENT.metrics_token.get_secret_value()
GENGA_API_IS_OPEN = ENVIRONMENT.is_open

SECRET_KEY = ENVIRONMENT.secret_key.get_secret_value()
DEBUG = ENVIRONMENT.debug
ALLOWED_HOSTS = ENVIRONMENT.allowed_hosts

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.sessions",
    "django.contrib.messages",
    "channels",
    "corsheaders",
    "csp",
    "django_htmx",
    "ninja",
    "generation.apps.GenerationConfig",
    "studio.apps.StudioConfig",
    # After studio, whose runserver command serves ASGI.
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "studio.views.allowed_host.allowed_host",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    # Outside of the CSRF check, whose failures keep what was typed.
    "studio.views.drafts.drafts",
    "studio.views.session_end.session_end",
    "django.middleware.common.CommonMiddleware",
    # After the check of the Host header, which holds for a browser's preflight requests too.
    "corsheaders.middleware.CorsMiddleware",
    "studio.api.addresses.only_json",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "studio.presentation.unavailable.Unavailability",
    "studio.views.throttled.throttled",
    "studio.views.time_zone.time_zone",
    "studio.views.arrival.arrival",
    "studio.views.forecasting.forecasting",
]

ROOT_URLCONF = "studio.urls"
ASGI_APPLICATION = "studio.asgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "studio.views.context.studio",
            ],
            "builtins": ["studio.templatetags.genga"],
        },
    }
]

DATABASES: dict[str, dict[str, Any]]
if ENVIRONMENT.database_url:
    _database_url = ENVIRONMENT.database_url.get_secret_value()
    DATABASES = {"default": environ.Env.db_url_config(_database_url)}
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": GENGA_HOME / "genga.sqlite3",
            # Tests use a file too, because a render's threads and processes write as well.
            "TEST": {"NAME": GENGA_HOME / "test.sqlite3"},
            "OPTIONS": {
                "timeout": 20,
                # Take the write lock at the start of a transaction. SQLite waits for it then, while
                # upgrading a read lock fails at once.
                "transaction_mode": "IMMEDIATE",
                "init_command": (
                    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; "
                    "PRAGMA mmap_size=134217728; PRAGMA cache_size=-20000;"
                ),
            },
        }
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# The limit of submits is counted in the cache. Without Redis each web process counts by itself.
CACHES: dict[str, dict[str, Any]]
if GENGA_REDIS_URL:
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": GENGA_REDIS_URL,
            "KEY_PREFIX": "genga",
        }
    }
else:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

CHANNEL_LAYERS: dict[str, dict[str, Any]]
if GENGA_REDIS_URL:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [GENGA_REDIS_URL]},
        }
    }
else:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "generation.live.sqlite_layer.SqliteChannelLayer",
            "CONFIG": {"path": str(GENGA_HOME / "live.sqlite3")},
        }
    }

if ENVIRONMENT.s3_bucket:
    _media_storage: dict[str, Any] = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": ENVIRONMENT.s3_bucket,
            "endpoint_url": ENVIRONMENT.s3_endpoint.get_secret_value() or None,
            "file_overwrite": False,
        },
    }
else:
    _media_storage = {"BACKEND": "generation.media.storage.AtomicFileSystemStorage"}
STORAGES = {
    "default": _media_storage,
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
MEDIA_ROOT = GENGA_HOME / "media"
STATIC_URL = "/static/"
STATIC_ROOT = GENGA_HOME / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True
# Static files are served from their folders; WhiteNoise would warn that STATIC_ROOT is missing.
warnings.filterwarnings("ignore", message="No directory at: ", category=UserWarning)
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "dashboard"
LOGOUT_REDIRECT_URL = "login"

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Pages of these origins may use the API, with a token only: no cookies, and the rule that needs
# no token on loopback is for our own pages (`studio.accounts.authentication`).
CORS_ALLOWED_ORIGINS = ENVIRONMENT.cors_origins
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_METHODS = ["DELETE", "GET", "OPTIONS", "PATCH", "POST"]
CORS_ALLOW_HEADERS = [*default_headers, "idempotency-key"]
CORS_EXPOSE_HEADERS = ["retry-after"]
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_NAME = "genga_session"
CSRF_COOKIE_NAME = "genga_csrf"
CSRF_FAILURE_VIEW = "studio.views.session_end.csrf_failure"
if not ENVIRONMENT.is_embedded:
    SECURE_SSL_REDIRECT = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31536000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        # Previews of running renders are data URLs in their fragments.
        "img-src": [SELF, "data:"],
        "connect-src": [SELF, "ws:", "wss:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    }
}

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "format": "%(asctime)s %(levelname)-7s %(name)s: %(message)s",
            "datefmt": "%H:%M:%S",
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "generation": {"level": "INFO"},
        "studio": {"level": "INFO"},
        "huey": {"level": "WARNING"},
        # It recommends torchvision for image processors that are not used here.
        "transformers.utils.import_utils": {"level": "ERROR"},
    },
}
