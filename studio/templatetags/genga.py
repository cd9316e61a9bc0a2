"""Template filters for durations and output files, built in for every template."""

from django import template

from studio.presentation import consistency_chart, durations, outputs, reasons

register = template.Library()
register.filter("spoken", durations.spoken)
register.filter("short", durations.short)
register.filter("unbroken", durations.unbroken)
register.filter("until", durations.until)
register.filter("kind", outputs.kind)
register.filter("clip_length", outputs.length)
register.filter("reasons", reasons.reasons)
register.filter("chart", consistency_chart.chart)
