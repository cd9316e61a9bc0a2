"""The kind of job that interpolates, upscales or converts a finished file."""

from generation.kind import JobKind
from generation.specs import EnhanceSpec

KIND = JobKind(
    name="enhance",
    spec_class=EnhanceSpec,
    executor="generation.kinds.enhance.executor:Enhance",
    cost="generation.kinds.enhance.cost",
    unit="frame",
    card="fragments/kinds/enhance.html",
)
