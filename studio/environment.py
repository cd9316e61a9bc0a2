"""The settings that are read from environment variables, declared once.

A field of `Environment` declares a variable's type, default, limits and meaning. The list of names,
the check of the table in docs/operations.md and the error messages derive from it.
"""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin
from urllib.parse import urlsplit

from annotated_types import Ge, Le
from pydantic import (
    AfterValidator,
    AliasGenerator,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    SecretStr,
    ValidationError,
)
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, core_schema
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from generation.errors import SettingError
from studio.hosts import LOCAL_HOSTS, LOOPBACK, hosts_of

BASE_DIR = Path(__file__).resolve().parent.parent
ORIGIN = r"^https?://([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?$"
"""An origin as browsers send it."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """The allowed values in words, where type and limits do not say them."""

    text: str


@dataclass(frozen=True, slots=True)
class Schemes:
    """The URL schemes that a field allows. Its value may hold a password and is never printed."""

    names: tuple[str, ...]

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Validate by the type, then check the scheme."""
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def _check(self, address: SecretStr) -> SecretStr:
        text = address.get_secret_value()
        scheme = text.partition("://")[0]
        if text and scheme not in self.names:
            raise ValueError("another scheme")
        if scheme != "sqlite":
            # Raises ValueError for a port that is not a number, as with an unquoted password.
            _ = urlsplit(text).port
        return address


def _split(value: object) -> object:
    """The non-empty parts of a comma-separated text."""
    return [part for part in value.split(",") if part] if isinstance(value, str) else value


def _absolute(path: Path) -> Path:
    return path.expanduser().resolve()


class Environment(BaseSettings):
    """All settings. `read` creates it and applies the rules of the profile."""

    model_config = SettingsConfigDict(
        alias_generator=AliasGenerator(validation_alias=lambda name: f"GENGA_{name.upper()}"),
        case_sensitive=True,
        frozen=True,
        hide_input_in_errors=True,
    )

    profile: Literal["embedded", "production"] = Field(
        default="embedded",
        description="embedded (one machine, no server to install) or production",
    )
    home: Annotated[Path, AfterValidator(_absolute)] = Field(
        default=BASE_DIR / "data",
        description="data folder: databases, pictures, secret key",
        validate_default=True,
    )
    bind: str = Field(default="127.0.0.1", description="address the web server listens on")
    port: int = Field(
        default=8328,
        ge=1,
        le=65535,
        validation_alias="PORT",
        description="port the web server listens on",
    )
    secret_key: SecretStr = Field(
        default=SecretStr(""), description="Django's secret key; required in production"
    )
    allowed_hosts: Annotated[list[str], NoDecode, BeforeValidator(_split)] = Field(
        default=[], description="comma-separated host names the site answers to"
    )
    cors_origins: Annotated[
        list[Annotated[str, Field(pattern=ORIGIN)]],
        NoDecode,
        BeforeValidator(_split),
        Allowed("origins such as https://tools.example, in small letters and without a path"),
    ] = Field(
        default=[],
        description="comma-separated origins of web pages that may use the API with a token",
    )
    database_url: Annotated[SecretStr, Schemes(("postgres", "postgresql", "sqlite"))] = Field(
        default=SecretStr(""),
        description="such as postgres://user:password@host/genga; SQLite when empty",
    )
    redis_url: Annotated[SecretStr, Schemes(("redis", "rediss", "unix"))] = Field(
        default=SecretStr(""),
        description="doorbells and live events over Redis instead of SQLite",
    )
    s3_bucket: str = Field(
        default="",
        description="store pictures in this S3-compatible bucket instead of the data folder",
    )
    s3_endpoint: Annotated[SecretStr, Schemes(("https", "http"))] = Field(
        default=SecretStr(""),
        description="address of the S3-compatible service, when it is not Amazon's",
    )
    heartbeat_seconds: float = Field(
        default=2.0, ge=0.1, le=60.0, description="how often a worker sends a heartbeat"
    )
    lease_seconds: float = Field(
        default=30.0, ge=1.0, le=3600.0, description="how long a silent worker keeps its job"
    )
    restart_seconds: float = Field(
        default=1.0,
        ge=0.1,
        le=60.0,
        description="how long `manage.py up` waits before it starts a process that ended again",
    )
    set_aside_seconds: float = Field(
        default=600.0,
        ge=1.0,
        le=86400.0,
        description="how long a device whose worker ended again and again is set aside",
    )
    ageing_minutes: float = Field(
        default=60.0,
        ge=0.01,
        le=10080.0,
        description="how long a job waits before it rises one level of priority",
    )
    snapshot_seconds: float = Field(
        default=5.0,
        ge=0.0,
        le=3600.0,
        description="how often a running render is saved, so that it can resume after a crash",
    )
    frames_days: float = Field(
        default=30.0,
        ge=0.0,
        le=3650.0,
        description="how long the lossless frames of a final clip are kept",
    )
    trash_days: float = Field(
        default=14.0,
        ge=0.0,
        le=3650.0,
        description="how long deleted takes can be restored before their files are freed",
    )
    # The accuracy of the last seven days is computed from their timings.
    history_days: float = Field(
        default=90.0,
        ge=7.0,
        le=36500.0,
        description="how long the stage timings of every render are kept",
    )
    calibrate: bool = Field(
        default=True,
        description="1 lets an idle device calibrate itself with small renders of a model that is "
        "new to it",
    )
    submit_rate: Annotated[str, Allowed("a number and /s, /min, /h, /d")] = Field(
        default="120/min",
        pattern=r"^0*[1-9][0-9]*/(s|min|h|d)$",
        description="submits that one person may send, such as 120/min",
    )
    local_user: str = Field(
        default="artist",
        description="user that the API acts for on loopback without a token (embedded only)",
    )
    metrics_token: SecretStr = Field(
        default=SecretStr(""), description="a token that gives access to /metrics and nothing else"
    )
    debug: Annotated[bool, Allowed("1 or 0")] = Field(
        default=False, description="1 shows Django's error pages; never in production"
    )

    @property
    def is_embedded(self) -> bool:
        """True for the embedded profile."""
        return self.profile == "embedded"

    @property
    def is_open(self) -> bool:
        """True when the API answers without a token: embedded, and bound to loopback."""
        return self.is_embedded and self.bind in LOOPBACK


FIELD_OF = {str(info.validation_alias): name for name, info in Environment.model_fields.items()}
"""Variables to the names of their fields."""

NAMES = {
    name: Environment.model_fields[field].description or "" for name, field in FIELD_OF.items()
}
"""Variables to their meanings."""


def read() -> Environment:
    """The settings of this process. Raises SettingError naming the variable and what it allows."""
    try:
        found = Environment()
    except ValidationError as refused:
        first = refused.errors(include_url=False, include_context=False)[0]
        line = _refusal(str(first["loc"][0]), first["input"])
        # Hide pydantic's error, which is longer and shows values in its traceback.
        raise SettingError(line) from None
    if not found.is_embedded:
        _check_production(found)
        return found
    own_hosts = dict.fromkeys([*LOCAL_HOSTS, *hosts_of(found.bind)])
    return found.model_copy(
        update={
            "allowed_hosts": found.allowed_hosts or list(own_hosts),
            "secret_key": found.secret_key or SecretStr(_own_secret_key(found.home)),
        }
    )


def _refusal(name: str, value: object) -> str:
    """One line that refuses an invalid value."""
    field = Environment.model_fields[FIELD_OF[name]]
    for mark in field.metadata:
        if isinstance(mark, Schemes):
            allowed = ", ".join(f"{scheme}://…" for scheme in mark.names)
            return f"{name} is no address that can be used; allowed: {allowed}"
    return f"{name} is {value!r}; allowed: {_allowed(field)}"


def _allowed(field: FieldInfo) -> str:
    """The values that a field allows, from its declaration."""
    if get_origin(field.annotation) is Literal:
        return " or ".join(get_args(field.annotation))
    limits: dict[str, Any] = {}
    for mark in field.metadata:
        match mark:
            case Allowed(text):
                return text
            case Ge(low):
                limits["low"] = low
            case Le(high):
                limits["high"] = high
    kind = "a whole number" if field.annotation is int else "a number"
    return f"{kind} from {limits['low']:g} to {limits['high']:g}"


def _check_production(found: Environment) -> None:
    if not found.allowed_hosts:
        raise SettingError("GENGA_ALLOWED_HOSTS is empty; production needs the site's host names")
    if not found.secret_key:
        raise SettingError("GENGA_SECRET_KEY is empty; production needs a long random text")
    if found.debug:
        raise SettingError("GENGA_DEBUG is '1'; allowed in production: 0")


def _own_secret_key(home: Path) -> str:
    """The embedded profile's key: generated once, in a file that only its owner can read."""
    path = home / "secret_key"
    if not path.exists():
        try:
            home.mkdir(parents=True, exist_ok=True)
            with open(path, "x", opener=lambda name, flags: os.open(name, flags, 0o600)) as stream:
                stream.write(secrets.token_urlsafe(50))
        except FileExistsError:
            # Another process created the key at the same time; use that one.
            return path.read_text()
        except OSError as problem:
            reason = problem.strerror or problem
            line = f"GENGA_HOME is {str(home)!r}; it cannot be used: {reason}"
            raise SettingError(line) from None
    return path.read_text()
