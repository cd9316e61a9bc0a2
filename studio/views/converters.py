"""Path converters of the pages' URLs."""

from django.core.validators import slug_unicode_re

from studio.models.names import normal_slug


class SlugConverter:
    """A slug in any script. Django's own `slug` takes Latin letters only."""

    regex = "[^/]+"

    def to_python(self, value: str) -> str:
        """The address as it is stored, however the browser composed its characters.

        Raises ValueError, by which Django goes on to other paths, for what is no slug.
        """
        slug = normal_slug(value)
        if not slug_unicode_re.match(slug):
            raise ValueError(value)
        return slug

    def to_url(self, value: str) -> str:
        """The address; `reverse` encodes it."""
        return value
