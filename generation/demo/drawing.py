"""Drawing of the demo model's portraits with skia.

Only training draws. Skia is installed by the extra ``pip install -e .[train]``. Coordinates are in
a square of 128 units, independent of the picture's size.
"""

from __future__ import annotations

from typing import Any, Final

from generation.demo.portraits import (
    BACKGROUNDS,
    EYE_COLOURS,
    HAIR_COLOURS,
    Colour,
    Portrait,
    Pose,
)
from generation.demo.recolouring import Picture, apply_picture_style

try:
    import skia
except ImportError as error:  # pragma: no cover - depends on what is installed
    raise ImportError(
        "Drawing the demo model's training pictures needs skia: pip install -e .[train]"
    ) from error

LINE: Final = (50, 34, 40)
SKIN: Final = (255, 226, 204)
SHADED_SKIN: Final = (246, 208, 184)
BLUSH: Final = (255, 150, 150)
MOUTH: Final = (200, 70, 80)
WHITE: Final = (255, 255, 255)
LENS: Final = (90, 190, 255)
LENS_ALPHA: Final = 90
STRAW: Final = (250, 226, 150)
CLOTHES: Final[dict[str, Colour]] = {"boy": (70, 90, 150), "girl": (235, 235, 245)}
SIDES: Final = (-1, 1)
# A talking mouth that opens less than this is drawn closed.
LIPS_PART: Final = 0.3


def draw(portrait: Portrait, pose: Pose | None = None, size: int = 128) -> Picture:
    """Draw one portrait.

    Returns an array of shape (size, size, 3), RGB, 0 to 255. Raises KeyError if a label is not one
    of the words in ``portraits``.
    """
    pose = pose or Pose()
    surface = skia.Surface(size, size)
    canvas = surface.getCanvas()
    canvas.scale(size / 128, size / 128)
    _Figure(canvas, portrait, pose).draw()
    pixels = surface.makeImageSnapshot().toarray(colorType=skia.kRGBA_8888_ColorType)
    return apply_picture_style(pixels[..., :3], portrait.picture_style)


def _colour(colour: Colour, brightness: float = 1.0, alpha: int = 255) -> int:
    return int(skia.Color(*(int(min(255.0, part * brightness)) for part in colour), alpha))


def _fill(colour: int) -> Any:
    return skia.Paint(AntiAlias=True, Color=colour)


class _Figure:
    """A portrait being drawn: the canvas, the labels and the pose, shared by all parts."""

    def __init__(self, canvas: Any, portrait: Portrait, pose: Pose) -> None:
        self.canvas = canvas
        self.portrait = portrait
        self.pose = pose
        self.hair = HAIR_COLOURS[portrait.hair]
        inked = portrait.picture_style == "ink"
        self.line_colour: Colour = (10, 8, 10) if inked else LINE
        self.line_scale = 1.9 if inked else 1.0

    def draw(self) -> None:
        self._background()
        self.canvas.save()
        self.canvas.translate(64 + self.pose.shift, 70)
        self.canvas.rotate(self.pose.tilt)
        self.canvas.translate(-64, -70)
        self._hair_behind()
        self._body()
        self._head()
        for side in SIDES:
            self._eye(side)
        self._mouth()
        self._fringe()
        self._accessory()
        self.canvas.restore()

    def _line(self, width: float) -> Any:
        return skia.Paint(
            AntiAlias=True,
            Style=skia.Paint.kStroke_Style,
            StrokeWidth=width * self.line_scale,
            Color=_colour(self.line_colour),
        )

    def _outlined(self, path: Any, colour: int) -> None:
        self.canvas.drawPath(path, _fill(colour))
        self.canvas.drawPath(path, self._line(1.6))

    def _background(self) -> None:
        top, bottom = BACKGROUNDS[self.portrait.background]
        shader = skia.GradientShader.MakeLinear([(0, 0), (0, 128)], [_colour(top), _colour(bottom)])
        self.canvas.drawPaint(skia.Paint(AntiAlias=True, Shader=shader))
        if self.portrait.background == "night":
            for star in range(9):
                place = ((star * 37) % 128, (star * 53) % 60)
                self.canvas.drawCircle(*place, 1.2, _fill(_colour((255, 255, 220))))
        elif self.portrait.background == "forest":
            for tree in range(4):
                self.canvas.drawCircle(tree * 42, 100, 26, _fill(_colour((50, 110, 66))))
        elif self.portrait.background == "sky":
            for cloud in range(3):
                left, top_edge = cloud * 48 - 8, 18 + cloud * 9
                oval = skia.Rect(left, top_edge, left + 38, top_edge + 14)
                self.canvas.drawOval(oval, _fill(_colour(WHITE, alpha=210)))

    def _hair_behind(self) -> None:
        sway, shape = self.pose.sway, skia.Path()
        style = self.portrait.hair_style
        if style == "long":
            shape.moveTo(30, 50)
            shape.cubicTo(22, 90, 24 + sway, 118, 34 + sway, 130)
            shape.lineTo(94 + sway, 130)
            shape.cubicTo(104 + sway, 118, 106, 90, 98, 50)
            shape.close()
        elif style == "bob":
            shape.moveTo(28, 50)
            shape.cubicTo(22, 80, 24 + sway, 96, 38 + sway * 0.5, 100)
            shape.lineTo(90 + sway * 0.5, 100)
            shape.cubicTo(104 + sway, 96, 106, 80, 100, 50)
            shape.close()
        elif style == "short":
            shape.addOval(skia.Rect(30, 24, 98, 88))
        elif style == "twin tails":
            shape.addOval(skia.Rect(32, 26, 96, 84))
            for side in SIDES:
                self._tail(side)
        elif style == "ponytail":
            shape.addOval(skia.Rect(30, 26, 98, 86))
            tail = skia.Path()
            tail.moveTo(86, 30)
            tail.cubicTo(124, 24, 122 + sway, 84, 106 + sway, 112)
            tail.cubicTo(100 + sway, 84, 98, 60, 86, 30)
            tail.close()
            self._outlined(tail, _colour(self.hair, 0.9))
        else:
            raise KeyError(f"unknown hair style {style!r}")
        self._outlined(shape, _colour(self.hair, 0.82))

    def _tail(self, side: int) -> None:
        root, sway, tail = 64 + side * 34, self.pose.sway, skia.Path()
        tail.moveTo(root, 42)
        tail.cubicTo(
            root + side * 26, 50, root + side * 24 + sway, 96, root + side * 12 + sway, 118
        )
        tail.cubicTo(root + side * 2 + sway, 96, root - side * 4, 70, root, 42)
        tail.close()
        self._outlined(tail, _colour(self.hair, 0.9))

    def _body(self) -> None:
        body = skia.Path()
        body.moveTo(30, 128)
        body.cubicTo(36, 108, 52, 106, 56, 104)
        body.lineTo(72, 104)
        body.cubicTo(76, 106, 92, 108, 98, 128)
        body.close()
        self._outlined(body, _colour(CLOTHES[self.portrait.person]))
        self.canvas.drawRect(skia.Rect(57, 92, 71, 108), _fill(_colour(SHADED_SKIN)))

    def _head(self) -> None:
        head = skia.Path()
        head.moveTo(36, 56)
        head.cubicTo(36, 88, 54, 102, 64, 104)
        head.cubicTo(74, 102, 92, 88, 92, 56)
        head.cubicTo(92, 34, 36, 34, 36, 56)
        head.close()
        self._outlined(head, _colour(SKIN))
        for side in SIDES:
            cheek = skia.Rect(64 + side * 18 - 5, 84, 64 + side * 18 + 5, 89)
            self.canvas.drawOval(cheek, _fill(_colour(BLUSH, alpha=120)))

    def _eye(self, side: int) -> None:
        x, y, expression = 64 + side * 14, 72, self.portrait.expression
        joyful = expression == "laughing" or (expression == "winking" and side == 1)
        if joyful or self.pose.blink > 0.5:
            lid = skia.Path()
            lid.moveTo(x - 7, y + 1)
            lid.quadTo(x, y - 6 if joyful else y + 6, x + 7, y + 1)
            self.canvas.drawPath(lid, self._line(2.4))
        else:
            self._open_eye(x, y, 11 if expression == "surprised" else 9)
        lift = 3 if expression == "surprised" else 0
        slope = 3 * side if expression == "sad" else 0
        brow_y = y - 16 - lift
        self.canvas.drawLine(
            x - 6, brow_y + max(slope, 0), x + 6, brow_y - min(slope, 0), self._line(1.6)
        )

    def _open_eye(self, x: float, y: float, height: float) -> None:
        iris = EYE_COLOURS[self.portrait.eyes]
        oval = self.canvas.drawOval
        oval(skia.Rect(x - 7, y - height, x + 7, y + height), _fill(_colour(WHITE)))
        oval(skia.Rect(x - 5.5, y - height + 1, x + 5.5, y + height - 1), _fill(_colour(iris)))
        pupil = skia.Rect(x - 2.5, y - height / 2, x + 2.5, y + height / 2.5)
        oval(pupil, _fill(_colour(iris, 0.35)))
        self.canvas.drawCircle(x - 2, y - 4, 2.1, _fill(_colour(WHITE)))
        lashes = skia.Path()
        lashes.moveTo(x - 8, y - height + 3)
        lashes.quadTo(x, y - height - 4, x + 8, y - height + 3)
        self.canvas.drawPath(lashes, self._line(2.6))

    def _mouth(self) -> None:
        expression, y, opening = self.portrait.expression, 92, self.pose.mouth
        mouth = skia.Path()
        if expression == "laughing":
            mouth.moveTo(56, y - 4)
            mouth.lineTo(72, y - 4)
            mouth.quadTo(64, y - 4 + 13 * opening, 56, y - 4)
            self._outlined(mouth, _colour(MOUTH))
            return
        if expression != "surprised" and self.pose.talk > LIPS_PART:
            half = 4 + self.pose.talk
            mouth.addOval(skia.Rect(64 - half, y - 4, 64 + half, y - 4 + 9 * self.pose.talk))
            self._outlined(mouth, _colour(MOUTH))
            return
        if expression == "surprised":
            mouth.addOval(skia.Rect(61, y - 4, 67, y - 4 + 8 * opening))
            self._outlined(mouth, _colour(MOUTH))
            return
        if expression in ("smiling", "winking"):
            mouth.moveTo(57, y - 2)
            mouth.quadTo(64, y + 4 * opening, 71, y - 2)
        elif expression == "sad":
            mouth.moveTo(58, y + 1)
            mouth.quadTo(64, y - 4, 70, y + 1)
        else:
            mouth.moveTo(60, y - 1)
            mouth.lineTo(68, y - 1)
        self.canvas.drawPath(mouth, self._line(2.0))

    def _fringe(self) -> None:
        fringe = skia.Path()
        fringe.moveTo(33, 64)
        fringe.cubicTo(28, 20, 100, 20, 95, 64)
        fringe.cubicTo(90, 52, 86, 48, 82, 46)
        fringe.cubicTo(80, 54, 76, 58, 74, 60)
        fringe.cubicTo(72, 52, 68, 46, 62, 44)
        fringe.cubicTo(60, 52, 54, 58, 50, 60)
        fringe.cubicTo(50, 52, 48, 48, 46, 46)
        fringe.cubicTo(40, 50, 36, 56, 33, 64)
        fringe.close()
        self._outlined(fringe, _colour(self.hair))
        shine = skia.Path()
        shine.moveTo(44, 38)
        shine.quadTo(64, 28, 84, 38)
        paint = self._line(3.0 / self.line_scale)
        paint.setColor(_colour(self.hair, 1.25))
        self.canvas.drawPath(shine, paint)

    def _accessory(self) -> None:
        accessory = self.portrait.accessory
        if accessory == "glasses":
            for side in SIDES:
                # At 128 pixels a thin frame is less than one latent wide, so the lenses are tinted.
                self.canvas.drawCircle(
                    64 + side * 14, 73, 12, _fill(_colour(LENS, alpha=LENS_ALPHA))
                )
                self.canvas.drawCircle(64 + side * 14, 73, 12, self._line(2.4))
            self.canvas.drawLine(62, 73, 66, 73, self._line(2.4))
        elif accessory == "ribbon":
            for side in SIDES:
                loop = skia.Path()
                loop.moveTo(84, 31)
                loop.lineTo(84 + side * 20, 18)
                loop.lineTo(84 + side * 20, 46)
                loop.close()
                self._outlined(loop, _colour((230, 40, 70)))
            self.canvas.drawCircle(84, 31, 6, _fill(_colour((180, 20, 50))))
        elif accessory == "hat":
            brim, crown = skia.Path(), skia.Path()
            brim.addOval(skia.Rect(24, 30, 104, 46))
            self._outlined(brim, _colour(STRAW))
            crown.moveTo(40, 37)
            crown.cubicTo(42, 8, 86, 8, 88, 37)
            crown.close()
            self._outlined(crown, _colour(STRAW))
            self.canvas.drawRect(skia.Rect(40, 31, 88, 37), _fill(_colour((200, 60, 60))))
