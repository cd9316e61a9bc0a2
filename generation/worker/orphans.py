"""Files of renders that no row of the database names.

A worker stores a file before the transaction that names it. If its process is killed in between,
nothing names the file, and the next attempt makes another. The name of a file begins with its job
and attempt; a running attempt may still name its files, an ended one never will.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeVar
from uuid import UUID

from django.core.files.storage import default_storage
from django.db.models import Q
from django.utils import timezone

from generation.media.files import OUTPUTS, month_folder
from generation.models import Attempt, Output
from generation.states import Outcome

SAFE_AGE = timedelta(days=1)
"""The age from which a file of an attempt that the database does not know counts as left over."""
NAME = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-(\d+)(?!\d)")
AT_ONCE = 200
"""Jobs in one query."""

_Item = TypeVar("_Item")

_Key = tuple[UUID, int]
"""A job and the number of its attempt."""


@dataclass(frozen=True, slots=True)
class Orphan:
    """A file that nothing names. `known` is False if the database does not know its attempt."""

    name: str
    known: bool


def recent_folders(today: date) -> list[str]:
    """The folders in which attempts of the last weeks stored their files."""
    return [month_folder(today), month_folder(today.replace(day=1) - timedelta(days=1))]


def all_folders() -> Iterator[str]:
    """Every folder of the storage that has files of renders."""
    for year in _listed(OUTPUTS)[0]:
        for month in _listed(f"{OUTPUTS}/{year}")[0]:
            yield f"{OUTPUTS}/{year}/{month}"


def find(folders: Iterable[str]) -> list[Orphan]:
    """The orphans in these folders. Files that are not named as those of attempts are left out.

    A file of an unknown attempt, whose job was deleted or is of a newer copy of the database, is
    an orphan from SAFE_AGE on. Raises what the storage raises.
    """
    return [orphan for folder in folders for orphan in _of_folder(folder)]


def delete(orphans: Iterable[Orphan]) -> int:
    """Delete the files; return their number."""
    names = [orphan.name for orphan in orphans]
    for name in names:
        default_storage.delete(name)
    return len(names)


def _of_folder(folder: str) -> Iterator[Orphan]:
    # The order matters: an attempt that has ended by now has named its files already.
    files = {name: key for name in _listed(folder)[1] if (key := _key(name))}
    outcomes = _outcomes({job_id for job_id, _ in files.values()})
    running = {key for key, outcome in outcomes.items() if outcome == Outcome.RUNNING}
    paths = {f"{folder}/{name}": key for name, key in files.items() if key not in running}
    for path in sorted(paths.keys() - _named(paths)):
        known = paths[path] in outcomes
        if known or _is_old(path):
            yield Orphan(path, known)


def _key(name: str) -> _Key | None:
    found = NAME.match(name)
    return (UUID(found[1]), int(found[2])) if found else None


def _outcomes(job_ids: set[UUID]) -> dict[_Key, str]:
    found: dict[_Key, str] = {}
    for part in _parts(job_ids):
        rows = Attempt.objects.filter(job__in=part).values_list("job_id", "number", "outcome")
        found |= {(job_id, number): outcome for job_id, number, outcome in rows}
    return found


def _named(paths: dict[str, _Key]) -> set[str]:
    """Those of the paths that a row names: of its own job, or of any other."""
    found: set[str] = set()
    columns = ("file", "thumbnail", "strip")
    for part in _parts({job_id for job_id, _ in paths.values()}):
        for row in Output.objects.filter(job__in=part).values_list(*columns):
            found.update(row)
    for names in _parts(paths.keys() - found):
        anywhere = Q(file__in=names) | Q(thumbnail__in=names) | Q(strip__in=names)
        for row in Output.objects.filter(anywhere).values_list(*columns):
            found.update(row)
    return found


def _parts(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    whole = list(items)
    for start in range(0, len(whole), AT_ONCE):
        yield whole[start : start + AT_ONCE]


def _is_old(path: str) -> bool:
    with suppress(FileNotFoundError):
        return default_storage.get_modified_time(path) < timezone.now() - SAFE_AGE
    return False


def _listed(folder: str) -> tuple[list[str], list[str]]:
    """The folders and files in a folder of the storage; none if it does not exist."""
    try:
        return default_storage.listdir(folder)
    except FileNotFoundError:
        return [], []
