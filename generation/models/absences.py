"""The sentences on devices that are away and on processes that end by themselves, with codes."""

from datetime import UTC, datetime

from generation.sentences import Said, Sentence

AWAY_SINCE = Sentence("away_since", "{device} has not been heard of since {since}.")
AWAY = Sentence("away", "{device} has no worker.")
DEVICE_GONE = Sentence("device_gone", "The device that rendered it was removed.")

ENDED_BY_SIGNAL = Sentence(
    "ended_by_signal", "Its worker was ended by {signal}, {count} times in {seconds} s."
)
ENDED_BY_KILL = Sentence(
    "ended_by_kill",
    "Its worker was ended by {signal}, {count} times in {seconds} s; the kernel does that when "
    "memory runs out.",
)
ENDED_BY_MEMORY = Sentence(
    "ended_by_memory",
    "Its worker was ended by {signal}, {count} times in {seconds} s, because memory ran out.",
)
ENDED_WITH_STATUS = Sentence(
    "ended_with_status",
    "Its worker ended with exit status {status}, {count} times in {seconds} s; its log says why.",
)
WHY_SET_ASIDE = {
    sentence.code: sentence
    for sentence in (ENDED_BY_SIGNAL, ENDED_BY_KILL, ENDED_BY_MEMORY, ENDED_WITH_STATUS)
}
"""Why a device is set aside, by the code that its row keeps."""

DEVICE_REMOVED = Sentence(
    "device_removed",
    "The device {device} was removed from the database. Its worker ends; when it is started again, "
    "it registers the device anew.",
)
DATABASE_REPLACED = Sentence(
    "database_replaced",
    "The database file {path} was replaced while this process used it. The process ends; when it "
    "is started again, it uses the new file.",
)
DATABASE_MISSING = Sentence(
    "database_missing",
    "The database file {path} is gone. The process ends; put the file back, then start it again.",
)


def of(device: str, heartbeat_at: datetime | None) -> Said:
    """Since when a device is away, as far as that is known: an orderly end leaves no heartbeat.

    The time is in UTC, for programs. Pages show it in the zone of who reads them.
    """
    if heartbeat_at is None:
        return AWAY.said(device=device)
    since = f"{heartbeat_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    return AWAY_SINCE.said(device=device, since=since)
