"""What requests look like behind `login_required` and behind the API's authentication."""

from datetime import datetime

from django.contrib.auth.models import User
from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from generation.scheduling.forecast import Forecaster


class PersonRequest(HttpRequest):
    """A request of somebody who is known; a name for types only, nothing is made of it."""

    user: User
    htmx: HtmxDetails
    arrived: datetime
    forecaster: Forecaster
