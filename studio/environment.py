"""The settings that the environment may give, in one typed place that fails loudly.

Each entry is documented in docs/operations.md; a test fails when one is not.
"""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

import environ

from generation.errors import SettingError

BASE_DIR = Path(__file__).resolve().parent.parent
PROFILES = ("embedded", "production")

NAMES = {
    "GENGA_PROFILE": "embedded (one machine, no server to install) or production",
    "GENGA_HOME": "data folder: databases, pictures, secret key",
    "GENGA_BIND": "address the web server listens on",
    "PORT": "port the web server listens on",
    "GENGA_SECRET_KEY": "Django's secret key; required in production",
    "GENGA_ALLOWED_HOSTS": "comma-separated host names the site answers to",
    "GENGA_DATABASE_URL": "such as postgres://user:password@host/genga; SQLite when empty",
    "GENGA_REDIS_URL": "doorbells and live events over Redis instead of SQLite",
    "GENGA_S3_BUCKET": "store pictures in this S3-compatible bucket instead of the data folder",
    "GENGA_S3_ENDPOINT": "address of the S3-compatible service, when it is not Amazon's",
    "GENGA_HEARTBEAT_SECONDS": "how often a worker says that it lives",
    "GENGA_LEASE_SECONDS": "how long a silent worker keeps its job",
    "GENGA_AGEING_MINUTES": "how long a job waits before it rises one level of priority",
    "GENGA_SNAPSHOT_SECONDS": "how often a running render is saved, to be resumed after a crash",
    "GENGA_FRAMES_DAYS": "how long the lossless frames of a final clip are kept",
    "GENGA_HISTORY_DAYS": "how long the seconds of every stage of every render are kept",
    "GENGA_SUBMIT_RATE": "submits one person may send through the API, such as 120/min",
    "GENGA_LOCAL_USER": "who the API acts for on loopback without a token (embedded only)",
    "GENGA_METRICS_TOKEN": "a token that reads /metrics and nothing else",
    "GENGA_DEBUG": "1 shows Django's error pages; never in production",
}
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
SCHEMES = {
    "GENGA_DATABASE_URL": ("postgres", "postgresql", "sqlite"),
    "GENGA_REDIS_URL": ("redis", "rediss", "unix"),
    "GENGA_S3_ENDPOINT": ("https", "http"),
}


@dataclass(frozen=True, slots=True)
class Environment:
    """Every setting, checked."""

    profile: str
    home: Path
    bind: str
    port: int
    secret_key: str
    allowed_hosts: list[str]
    database_url: str
    redis_url: str
    s3_bucket: str
    s3_endpoint: str
    heartbeat_seconds: float
    lease_seconds: float
    ageing_minutes: float
    snapshot_seconds: float
    frames_days: float
    history_days: float
    submit_rate: str
    local_user: str
    metrics_token: str
    debug: bool

    @property
    def is_embedded(self) -> bool:
        """True for the profile that needs no server and trusts its own machine."""
        return self.profile == "embedded"

    @property
    def is_open(self) -> bool:
        """True when the API answers without a token: embedded, and bound to loopback."""
        return self.is_embedded and self.bind in LOOPBACK


def read() -> Environment:
    """The settings of this process. Raises SettingError naming the variable and what it allows."""
    env = environ.Env()
    profile = env.str("GENGA_PROFILE", "embedded")
    if profile not in PROFILES:
        raise SettingError(f"GENGA_PROFILE is {profile!r}; allowed: {' or '.join(PROFILES)}")
    embedded = profile == "embedded"
    home = Path(env.str("GENGA_HOME", str(BASE_DIR / "data"))).expanduser().resolve()
    bind = env.str("GENGA_BIND", "127.0.0.1")
    hosts = env.list("GENGA_ALLOWED_HOSTS", default=[])
    if not hosts and not embedded:
        raise SettingError("GENGA_ALLOWED_HOSTS is empty; production needs the site's host names")
    return Environment(
        profile=profile,
        home=home,
        bind=bind,
        port=int(_number(env, "PORT", 8328, 1, 65535)),
        secret_key=env.str("GENGA_SECRET_KEY", "") or _own_secret_key(home, embedded),
        allowed_hosts=hosts or ["localhost", "127.0.0.1", "[::1]"],
        database_url=_address(env, "GENGA_DATABASE_URL"),
        redis_url=_address(env, "GENGA_REDIS_URL"),
        s3_bucket=env.str("GENGA_S3_BUCKET", ""),
        s3_endpoint=_address(env, "GENGA_S3_ENDPOINT"),
        heartbeat_seconds=_number(env, "GENGA_HEARTBEAT_SECONDS", 2.0, 0.1, 60.0),
        lease_seconds=_number(env, "GENGA_LEASE_SECONDS", 30.0, 1.0, 3600.0),
        ageing_minutes=_number(env, "GENGA_AGEING_MINUTES", 60.0, 0.01, 10080.0),
        snapshot_seconds=_number(env, "GENGA_SNAPSHOT_SECONDS", 5.0, 0.0, 3600.0),
        frames_days=_number(env, "GENGA_FRAMES_DAYS", 30.0, 0.0, 3650.0),
        # What is said of the last seven days needs their details.
        history_days=_number(env, "GENGA_HISTORY_DAYS", 90.0, 7.0, 36500.0),
        submit_rate=_rate(env.str("GENGA_SUBMIT_RATE", "120/min")),
        local_user=env.str("GENGA_LOCAL_USER", "artist"),
        metrics_token=env.str("GENGA_METRICS_TOKEN", ""),
        debug=_debug(env, embedded),
    )


def _number(env: environ.Env, name: str, default: float, low: float, high: float) -> float:
    text = env.str(name, str(default))
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise SettingError(f"{name} is {text!r}; allowed: a number from {low:g} to {high:g}")
    return value


def _address(env: environ.Env, name: str) -> str:
    text: str = env.str(name, "")
    if text and text.partition("://")[0] not in SCHEMES[name]:
        # The value itself is not repeated: it may hold a password.
        allowed = ", ".join(f"{scheme}://…" for scheme in SCHEMES[name])
        raise SettingError(f"{name} is no address that can be used; allowed: {allowed}")
    return text


def _debug(env: environ.Env, embedded: bool) -> bool:
    text = env.str("GENGA_DEBUG", "0").lower()
    if text not in {"0", "1", "true", "false"}:
        raise SettingError(f"GENGA_DEBUG is {text!r}; allowed: 1 or 0")
    if text in {"1", "true"} and not embedded:
        raise SettingError(f"GENGA_DEBUG is {text!r}; allowed in production: 0")
    return text in {"1", "true"}


def _rate(text: str) -> str:
    count, _, unit = text.partition("/")
    if not count.isdecimal() or int(count) < 1 or unit not in {"s", "min", "h", "d"}:
        raise SettingError(f"GENGA_SUBMIT_RATE is {text!r}; allowed: a number and /s, /min, /h, /d")
    return text


def _own_secret_key(home: Path, embedded: bool) -> str:
    """The embedded profile draws its key once and keeps it, readable for its owner only."""
    if not embedded:
        raise SettingError("GENGA_SECRET_KEY is empty; production needs a long random text")
    path = home / "secret_key"
    if not path.exists():
        try:
            home.mkdir(parents=True, exist_ok=True)
            with open(path, "x", opener=lambda name, flags: os.open(name, flags, 0o600)) as stream:
                stream.write(secrets.token_urlsafe(50))
        except FileExistsError:
            # Another process of the same start was faster; its key is as good.
            return path.read_text()
        except OSError as problem:
            reason = problem.strerror or problem
            told = f"GENGA_HOME is {str(home)!r}; it cannot be used: {reason}"
            raise SettingError(told) from None
    return path.read_text()
