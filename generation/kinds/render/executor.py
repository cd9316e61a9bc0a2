"""Executes the renders of one batch, from specs to files; a single render is a batch of one."""

from __future__ import annotations

from collections.abc import Sequence

from generation.kinds.render.denoising import Denoising
from generation.kinds.render.member import Member


class Render(Member):
    """One attempt at a render, which runs together with the other members of its batch."""

    @classmethod
    def run(cls, members: Sequence[Render]) -> None:
        """See Execution. The members of a batch differ only in their texts and seeds."""
        for member in members:
            with member.ending():
                member.begin()
        denoising = Denoising([member for member in members if not member.ended])
        for drawn, latents in denoising.run():
            with drawn.ending():
                drawn.complete(drawn.finish(drawn.decode(latents)))
