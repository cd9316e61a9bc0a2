"""The renders of one batch, from their specs to their files; a single render is a batch of one."""

from __future__ import annotations

from collections.abc import Sequence

from generation.kinds.render.denoising import Denoising
from generation.kinds.render.member import Member


class Render(Member):
    """One attempt at a render, which runs with the others of its batch."""

    @classmethod
    def run(cls, members: Sequence[Render]) -> None:
        """See Execution. Members that are denoised together differ only in texts and seed."""
        for member in members:
            with member.ending():
                member.begin()
        denoising = Denoising([one for one in members if not one.ended])
        for drawn, latents in denoising.run():
            with drawn.ending():
                drawn.complete(drawn.finish(drawn.decode(latents)))
