"""The engine's tables. The job's row is authoritative; the other tables add details to it."""

from generation.models.accuracy_week import AccuracyWeek
from generation.models.attempt import Attempt, StageTiming
from generation.models.device import Device
from generation.models.device_time import DeviceTime
from generation.models.job import Job, JobEvent, Progress
from generation.models.learned_speed import LearnedSpeed
from generation.models.model_card import ModelCard
from generation.models.output import Output

__all__ = [
    "AccuracyWeek",
    "Attempt",
    "Device",
    "DeviceTime",
    "Job",
    "JobEvent",
    "LearnedSpeed",
    "ModelCard",
    "Output",
    "Progress",
    "StageTiming",
]
