"""Finished files that are interpolated, enlarged or converted."""

from generation.kind import JobKind
from generation.specs import EnhanceSpec

KIND = JobKind(
    name="enhance",
    label="Enhance",
    spec_class=EnhanceSpec,
    executor="generation.kinds.enhance.executor:Enhance",
    unit="frame",
    card="fragments/kinds/enhance.html",
)
