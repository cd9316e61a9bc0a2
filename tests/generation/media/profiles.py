"""Colour profiles for tests, written by the ICC's specification (ICC.1:2022)."""

from __future__ import annotations

import struct

D50 = (0.9642, 1.0, 0.8249)
P3 = ((0.51512, 0.2412, -0.00105), (0.29198, 0.69225, 0.04189), (0.1571, 0.06657, 0.78407))
"""The primaries of Display P3, adapted to D50."""


def display_p3() -> bytes:
    """Display P3: its primaries with sRGB's curve."""
    return _p3(_curve(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045))


def p3_of_a_camera() -> bytes:
    """The primaries of P3 with a plain gamma of 2.2."""
    return _p3(_curve(2.2, 1, 0, 0, 0))


def _p3(curve: bytes) -> bytes:
    colours = {f"{name}XYZ": _xyz(*place) for name, place in zip("rgb", P3, strict=True)}
    curves = {f"{name}TRC": curve for name in "rgb"}
    return _profile("mntr", "RGB ", "XYZ ", {**colours, **curves})


def linear_grey() -> bytes:
    """Grey whose values are proportional to light."""
    return _profile("mntr", "GRAY", "XYZ ", {"kTRC": struct.pack(">4s4xI", b"curv", 0)})


def inks_of_another_press() -> bytes:
    """CMYK in which the first ink alone is Lab (53, 80, 67), a red; all others darken to black."""
    white, red, black = (255, 128, 128), (round(53 * 2.55), 208, 195), (0, 128, 128)
    corners = [white if i == 0 else red if i == 8 else black for i in range(16)]
    straight = bytes(range(256))
    matrix = struct.pack(">9i", *(65536, 0, 0, 0, 65536, 0, 0, 0, 65536))
    table = struct.pack(">4s4xBBBx", b"mft1", 4, 3, 2) + matrix + straight * 4
    table += b"".join(map(bytes, corners)) + straight * 3
    return _profile("prtr", "CMYK", "Lab ", {"A2B0": table})


def _profile(kind: str, space: str, connection: str, tags: dict[str, bytes]) -> bytes:
    tags = {"wtpt": _xyz(*D50), **tags}
    place, table, content = 128 + 4 + 12 * len(tags), b"", b""
    for name, value in tags.items():
        table += struct.pack(">4sII", name.encode(), place + len(content), len(value))
        content += value + b"\0" * (-len(value) % 4)
    header = struct.pack(
        ">I4xI4s4s4s12x4s28x3i48x",
        place + len(content),
        0x02400000 if connection == "Lab " else 0x04300000,
        kind.encode(),
        space.encode(),
        connection.encode(),
        b"acsp",
        *(round(value * 65536) for value in D50),
    )
    assert len(header) == 128
    return header + struct.pack(">I", len(tags)) + table + content


def _xyz(*values: float) -> bytes:
    return struct.pack(">4s4x3i", b"XYZ ", *(round(value * 65536) for value in values))


def _curve(*values: float) -> bytes:
    return struct.pack(">4s4xHxx5i", b"para", 3, *(round(value * 65536) for value in values))
