"""The type of requests after `login_required` and after the API's authentication."""

from datetime import datetime

from django.contrib.auth.models import User
from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from generation.scheduling.forecast import Forecaster


class PersonRequest(HttpRequest):
    """A request of a logged-in user. Used in annotations only, never instantiated."""

    user: User
    htmx: HtmxDetails
    arrived: datetime
    forecaster: Forecaster
