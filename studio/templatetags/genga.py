"""Template filters and tags, built in for every template."""

from django import template

from studio.presentation import (
    absence,
    consistency_chart,
    durations,
    moments,
    one_time,
    outputs,
    reasons,
)

register = template.Library()
register.filter("spoken", durations.spoken)
register.filter("short", durations.short)
register.filter("unbroken", durations.unbroken)
register.filter("moment", moments.moment)
register.filter("countdown", moments.countdown)
register.filter("absence", absence.absence)
register.filter("kind", outputs.kind)
register.filter("clip_length", outputs.length)
register.filter("reasons", reasons.reasons)
register.filter("chart", consistency_chart.chart)
register.simple_tag(one_time.field, name="one_time")
