"""The kind of job that renders a picture or a clip with a model."""

from generation.kind import JobKind
from generation.specs import RenderSpec

KIND = JobKind(
    name="render",
    spec_class=RenderSpec,
    executor="generation.kinds.render.executor:Render",
    cost="generation.kinds.render.cost",
    unit="step",
    card="fragments/kinds/render.html",
)
