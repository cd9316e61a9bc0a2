"""Pictures and clips that a model draws."""

from generation.kind import JobKind
from generation.specs import RenderSpec

KIND = JobKind(
    name="render",
    label="Render",
    spec_class=RenderSpec,
    executor="generation.kinds.render.executor:Render",
    unit="step",
    card="fragments/kinds/render.html",
)
