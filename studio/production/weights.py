"""What leads decide about a model whose files changed on the disk."""

from generation.library.register import register
from generation.models import ModelCard


def accept(card: ModelCard) -> ModelCard:
    """Register the model's folder as it is now; renders from now on name its new hash.

    What was rendered before keeps the old hash. Raises SpecError for a folder that is no model.
    """
    base = {"base": card.base.slug} if card.base else {}
    return register(card.path, card.slug, **base)
