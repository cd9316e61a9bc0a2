"""Speeds for a device that has never rendered, made from what its worker measured at its start.

A measurement says how many teraflops a second a device computes; everything else is assumed. The
result is a wide estimate, marked as rough, until real renders have taught better.
"""

from __future__ import annotations

from collections.abc import Mapping

from generation.estimating.cost import Demand
from generation.estimating.speeds.combination import Combination
from generation.estimating.speeds.learning import REST, Speeds
from generation.states import Stage

EACH = {
    Stage.LOAD: 1.5,
    Stage.ENCODE: 0.1,
    Stage.DENOISE: 0.005,
    Stage.DECODE: 0.005,
    Stage.INTERPOLATE: 0.005,
    Stage.UPSCALE: 0.02,
    Stage.WRITE: 0.03,
    Stage.CHECK: 0.03,
}
"""Assumed seconds of each count of a stage (see `cost`)."""
VOLUME = {
    Stage.LOAD: 0.7,
    Stage.INTERPOLATE: 0.9,
    Stage.WRITE: 0.3,
    Stage.CHECK: 0.3,
}
"""Assumed seconds of each gigabyte that is loaded, and of each megapixel."""
UPSCALE_TERAFLOPS = 0.08
"""Teraflops of a network that enlarges four times, for each megapixel that it makes."""
REST_SECONDS = 0.05


def first_speeds(kind: str, measured: Mapping[str, float]) -> Speeds | None:
    """Speeds by teraflops a second of `evaluate` and `decode`; None when either is missing.

    `kind` is that of the device: cpu or cuda.
    """
    evaluate, decode = measured.get("evaluate"), measured.get("decode")
    if not evaluate or not decode:
        return None
    volume = {
        **VOLUME,
        Stage.DENOISE: 1.0 / evaluate,
        Stage.DECODE: 1.0 / decode,
        Stage.UPSCALE: UPSCALE_TERAFLOPS / decode,
    }
    speeds = Speeds(kind, attempts=1)
    for stage, each in EACH.items():
        speeds.stage(stage).line = _line(each, volume.get(stage, 0.0))
    speeds.stage(REST).line = _line(REST_SECONDS, 0.0)
    return speeds


def _line(each: float, volume: float) -> Combination:
    """A combination of these seconds for each count and for each volume."""
    line = Combination()
    line.learn(Demand(1.0, 0.0, ""), each)
    if volume:
        line.learn(Demand(0.0, 1.0, ""), volume)
    return line
