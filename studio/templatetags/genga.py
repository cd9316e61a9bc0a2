"""Template words for times, built in for every template."""

from django import template

from studio import durations

register = template.Library()
register.filter("spoken", durations.spoken)
register.filter("short", durations.short)
register.filter("until", durations.until)
