"""Paths of sockets."""

from django.urls import path, re_path

from studio.live.consumers import JobConsumer, NowhereConsumer, PageConsumer

websocket_urlpatterns = [
    path("ws/jobs/<uuid:job_id>/", JobConsumer.as_asgi()),
    path("ws/live/<str:topic>/", PageConsumer.as_asgi()),
    path("ws/live/<str:topic>/<str:key>/", PageConsumer.as_asgi()),
    re_path("", NowhereConsumer.as_asgi()),
]
