"""The admin site: characters, styles, models, devices, people and their roles."""

from django.contrib import admin

from studio.admin import (  # noqa: F401  (imported because they register model admins)
    characters,
    devices,
    history,
    jobs,
    model_cards,
    people,
    projects,
    styles,
)

admin.site.site_header = "Genga"
admin.site.site_title = "Genga"
admin.site.index_title = "What the studio works with"
