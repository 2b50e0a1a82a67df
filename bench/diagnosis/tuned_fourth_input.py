"""Mistakes of the picture as it is read, of the fourth lot. Of these kinds every case may be looked at."""

import numpy as np
from cases import at, kind
from kit import after, chroma
from picture import luma

PICTURE = "input|picture|luma|image"


@kind("input chroma plane", PICTURE, "chroma|\\bc[br]\\b|\\b[uv]\\b|colou?r difference", vague="input")
@at("input", plane="Cb")
@at("input", "large", plane="Cr")
def input_chroma_plane(port, layer, random, plane):
    """Of Y, Cb and Cr another plane than the first is taken."""
    x = chroma(port.rgb)[..., ("Cb", "Cr").index(plane)] / 255
    port.prepare = lambda _: x[None].astype(port.dtype)


@kind(
    "input's low byte alone",
    PICTURE,
    "\\blow(er|est)?\\b.*(byte|bits|half)|bytes?\\b|16.?bit|modulo|wrap|\\b256\\b|least significant",
    vague="input",
    unless="off by a byte|red|green",
)
@at("input")
@at("input", "large")
def inputs_low_byte_alone(port, layer, random):
    """Luma in 16 bits, of which a pointer to bytes reads the lower one."""
    after(port, "prepare", lambda x: (np.rint(x * 65535) % 256 / 255).astype(x.dtype))


@kind(
    "input of a sensor's mosaic",
    PICTURE,
    "bayer|mosaic|\\braw\\b|\\bcfa\\b|sensor|colou?r filter|red.*green.*blue|phases?|each 2 ?x ?2",
    vague="input",
    unless="order|dither",
)
@at("input")
@at("input", "large")
def input_of_a_sensors_mosaic(port, layer, random):
    """A camera's raw picture: each pixel has one colour, red and green in one row, green and blue in the next."""
    x = port.rgb[..., 1].astype(float)
    x[::2, ::2], x[1::2, 1::2] = port.rgb[::2, ::2, 0], port.rgb[1::2, 1::2, 2]
    port.prepare = lambda _: x[None].astype(port.dtype) / 255


@kind(
    "input CIE lightness",
    PICTURE,
    "lightness|\\bcie|\\bl\\*|\\blab\\b|cube root|perceptual",
    vague="input",
    unless="hsl|\\(max",
)
@at("input")
@at("input", "large")
def input_cie_lightness(port, layer, random):
    """rgb2lab() and its first plane, divided by 100."""
    coded = port.rgb / 255
    linear = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]
    root = np.where(linear > (6 / 29) ** 3, np.cbrt(linear), linear * (29 / 6) ** 2 / 3 + 4 / 29)
    port.prepare = lambda _: ((116 * root - 16) / 100)[None].astype(port.dtype)


@kind(
    "input filtered by a median",
    PICTURE,
    "median|denois|despeckle|\\bsalt|smooth|blur|filter|noise reduction|low.?pass",
    vague="input",
    unless="sharp",
)
@at("input")
@at("input", "large")
def input_filtered_by_a_median(port, layer, random):
    """A driver takes hot pixels away, 3x3 pixels' median."""

    def median(x):
        around = np.pad(x, ((0, 0), (1, 1), (1, 1)), mode="edge")
        rows, columns = x.shape[1:]
        return np.median([around[:, i : i + rows, j : j + columns] for i in range(3) for j in range(3)], 0)

    after(port, "prepare", lambda x: median(x).astype(x.dtype))


@kind(
    "input a byte off",
    PICTURE,
    "bytes?\\b|\\bgbr\\b|green.*blue.*red|channel order|misalign|planes?.*(order|<swap>)",
    vague="input",
    unless="low byte|rows?\\b|red and blue",
)
@at("input")
@at("input", "large")
def input_a_byte_off(port, layer, random):
    """RGB read from its second byte on: green, blue, and the next pixel's red."""
    read = np.roll(port.rgb.ravel(), -1).reshape(port.rgb.shape)
    port.prepare = lambda _: luma(read)[None].astype(port.dtype)


@kind(
    "input's fields of two moments",
    PICTURE,
    "interlac|\\bcomb|fields?\\b|(odd|every (second|other)|each second|1, ?3).*<shifted>"
    "|<shifted>.*(odd|every (second|other)|each second|1, ?3)",
    vague="input",
)
@at("input", columns=2)
@at("input", "large", columns=4)
def inputs_fields_of_two_moments(port, layer, random, columns):
    """Interlaced video of something that moves: every second row is from a moment later."""

    def comb(x):
        x = x.copy()
        x[:, 1::2] = np.roll(x[:, 1::2], columns, 2)
        return x

    after(port, "prepare", comb)
