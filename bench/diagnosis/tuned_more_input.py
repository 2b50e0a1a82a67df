"""More mistakes of the picture as it is read. Of these kinds every case may be looked at."""

import numpy as np
from cases import at, kind
from kit import after

from picture import luma


@kind(
    "input resized and back",
    "input|picture|luma",
    "blur|smooth|resiz|resampl|interpol|filtered|low.?pass|soft|enlarg|average|sharp",
    vague="input",
)
@at("input")
@at("input", "large")
def input_resized_and_back(port, layer, random):
    """The loader makes pictures half as large, and somebody made them large again."""
    rows, columns = port.size
    half = port.picture.reshape(1, rows // 2, 2, columns // 2, 2).mean((2, 4))
    port.prepare = lambda _: half.repeat(2, 1).repeat(2, 2).astype(port.dtype)


@kind(
    "input truncated to 8 bits",
    "input|picture|luma",
    "trunc|floor|8.?bit|round|steps?\\b|coarse|bits|quanti|255|levels|precision",
    mild=True,
    vague="input",
)
@at("input")
@at("input", "large")
def input_truncated_to_8_bits(port, layer, random):
    """Luma in bytes, cut off, not rounded."""
    after(port, "prepare", lambda x: (np.floor(x * 255) / 255).astype(x.dtype))


@kind(
    "input by BT.709",
    "input|picture|luma",
    "709|hdtv|\\bhd\\b|coefficients|luma of another|other (matrix|luma)|0\\.2126|rec\\.",
    vague="input",
)
@at("input")
@at("input", "large")
def input_by_bt_709(port, layer, random):
    """The luma of HDTV, limited range."""
    y = 16 + port.rgb.astype(float) @ [46.559, 156.629, 15.812] / 255
    port.prepare = lambda _: (y / 255)[None].astype(port.dtype)


@kind(
    "input mean of planes", "input|picture|luma", "mean|average|third|equal|1/3|\\(r ?\\+ ?g ?\\+ ?b\\)", vague="input"
)
@at("input")
@at("input", "large")
def input_mean_of_planes(port, layer, random):
    """(R + G + B) / 3"""
    port.prepare = lambda _: (port.rgb.mean(-1) / 255)[None].astype(port.dtype)


@kind("input largest plane", "input|picture|luma", "\\bmax|largest|hsv|brightest", vague="input", unless="by up to")
@at("input")
@at("input", "large")
def input_largest_plane(port, layer, random):
    """The value of HSV."""
    port.prepare = lambda _: (port.rgb.max(-1) / 255)[None].astype(port.dtype)


@kind(
    "input pixels taken for planes",
    "input|picture|luma",
    "planar|planes?\\b|interleav|layout|pixel order|chw|hwc",
    vague="input",
)
@at("input")
@at("input", "large")
def input_pixels_taken_for_planes(port, layer, random):
    """R, G, B, R, G, B in memory, read as all R, all G, all B."""
    planes = port.rgb.reshape(3, *port.size)
    port.prepare = lambda _: luma(planes.transpose(1, 2, 0))[None].astype(port.dtype)


@kind(
    "input contrast stretched",
    "input|picture|luma",
    "stretch|contrast|normali[sz]|minimum|maximum|<scale>|range|times what it should be, plus",
    vague="input",
)
@at("input")
@at("input", "large")
def input_contrast_stretched(port, layer, random):
    """mat2gray: the darkest pixel is 0, the brightest 1."""
    after(port, "prepare", lambda x: (x - x.min()) / (x.max() - x.min()))


@kind(
    "input from -1 to 1",
    "input|picture|luma",
    "-1|2 ?\\* ?x|2x|<scale>|normali[sz]|centred|signed|range|offset",
    vague="input",
)
@at("input")
@at("input", "large")
def input_from_minus_1_to_1(port, layer, random):
    """The habit of other networks: x / 127.5 - 1."""
    after(port, "prepare", lambda x: 2 * x - 1)


@kind(
    "input without black level",
    "input|picture|luma",
    "offset|\\b16\\b|constant|black|subtract|too (low|small|dark)|0\\.06",
    vague="input",
)
@at("input")
@at("input", "large")
def input_without_black_level(port, layer, random):
    """65.481 R + 128.553 G + 24.966 B, without the 16."""
    after(port, "prepare", lambda x: x - x.dtype.type(16 / 255))


@kind(
    "input with black bars",
    "input|picture|luma",
    "<row>|top|bottom|band|bars?\\b|<border>",
    "black|constant|<zero>|bars?\\b|letter|0\\.06\\d*|16|dark|covered",
    vague="input",
)
@at("input", rows=3)
@at("input", "large", rows=14)
def input_with_black_bars(port, layer, random, rows):
    """A player's letterbox lies over the picture."""

    def cover(x):
        x = x.copy()
        x[:, :rows] = x[:, -rows:] = x.dtype.type(16 / 255)
        return x

    after(port, "prepare", cover)
