# HELD OUT. If you improve `fsrcnn diagnose`, please do not read this file, nor the cases it makes: what is measured
# with them is worth something as long as nobody has fitted the program to it.

"""Held-out mistakes of the picture as it is read: planes, packed formats, cameras, screens."""

import numpy as np
from cases import at, kind
from kit import after, chroma
from picture import luma

PICTURE = "input|picture|luma|image"


@kind(
    "input YUYV read as a plane",
    PICTURE,
    "yuyv|yuy2|uyvy|4:2:2|\\b422\\b|pack|interleav|chroma|every (second|other)|(2|two) bytes|pitch|stride",
    vague="input",
)
@at("input")
@at("input", "large")
def input_yuyv_read_as_a_plane(port, layer, random):
    """A camera's bytes Y, U, Y, V, taken for luma alone: the upper half of the picture, with colours in between."""
    y, c = luma(port.rgb) * 255, chroma(port.rgb)
    other = np.where(np.arange(y.shape[1]) % 2, c[..., 1], c[..., 0])
    packed = np.stack([y, other], -1).ravel()[: y.size].reshape(1, *y.shape) / 255
    port.prepare = lambda _: packed.astype(port.dtype)


@kind(
    "input dithered",
    PICTURE,
    "dither|halftone|pattern|ordered|round|coarse|levels|quanti|\\bbits\\b|palette|poster|noise|screen",
    vague="input",
)
@at("input")
@at("input", "large")
def input_dithered(port, layer, random):
    """Sixteen greys, made more by Bayer's matrix: a screenshot of an old display, or a GIF."""
    two = np.array([[0, 2], [3, 1]])
    four = np.block([[4 * two, 4 * two + 2], [4 * two + 3, 4 * two + 1]])

    def dither(x):
        rows, columns = x.shape[1:]
        threshold = (np.tile(four, (rows // 4 + 1, columns // 4 + 1))[:rows, :columns] + 0.5) / 16
        return (np.floor(x * 15 + threshold) / 15).astype(x.dtype)

    after(port, "prepare", dither)


@kind(
    "input of another white balance",
    PICTURE,
    "white.?balance|colou?r temperature|tint|warm|coefficients?|matrix|planes?.*<scale>"
    "|(red|blue).*(gain|times|<scale>|strong|weak)",
    vague="input",
    unless="709|exchanged",
)
@at("input")
@at("input", "large")
def input_of_another_white_balance(port, layer, random):
    """A camera's program for lamplight, or a screen's for the evening: red and blue are multiplied."""
    balanced = np.clip(port.rgb * np.array([1.2, 1, 0.75]), 0, 255)
    port.prepare = lambda _: luma(balanced)[None].astype(port.dtype)


@kind(
    "input zoomed",
    PICTURE,
    "zoom|overscan|crop|stretch|resiz|enlarg|magnif|resampl|scaled (up|by)|larger|interpol",
    vague="input",
    unless="contrast|half as large",
)
@at("input", cut=1)
@at("input", "large", cut=4)
def input_zoomed(port, layer, random, cut):
    """Overscan: a grabber cuts some pixels off on all sides and stretches the rest to the whole."""

    def stretch(x, axis):
        size = x.shape[axis]
        where = cut + np.arange(size) * (size - 1 - 2 * cut) / (size - 1)
        first = np.minimum(where.astype(int), size - 2)
        part = (where - first)[:, None] if axis == 1 else where - first
        return (1 - part) * x.take(first, axis) + part * x.take(first + 1, axis)

    after(port, "prepare", lambda x: stretch(stretch(x, 1), 2).astype(x.dtype))


@kind(
    "input darker toward its corners",
    PICTURE,
    "vignet|darker|corners?|radial|shading|\\blens|from the (centre|center|middle)",
    vague="input",
)
@at("input")
@at("input", "large")
def input_darker_toward_its_corners(port, layer, random):
    """A lens whose shading nobody corrects in the port's camera, or corrects twice."""
    rows, columns = port.size
    y, x = np.linspace(-1, 1, rows)[:, None], np.linspace(-1, 1, columns)
    after(port, "prepare", lambda picture: (picture * (1 - 0.15 * (x * x + y * y))).astype(picture.dtype))


@kind(
    "input's fields blended",
    PICTURE,
    "blend|blur|smooth|average|mean of|filter|interlac|fields?\\b|flicker|vertical|low.?pass",
    vague="input",
    unless="frame|sharp|half a pixel|planes",
)
@at("input")
@at("input", "large")
def inputs_fields_blended(port, layer, random):
    """Against flicker: each row with a quarter of the one above and of the one below."""

    def blend(x):
        around = np.pad(x, ((0, 0), (1, 1), (0, 0)), mode="edge")
        return (around[:, :-2] + 2 * x + around[:, 2:]) / 4

    after(port, "prepare", blend)


@kind(
    "input with a pointer on it",
    PICTURE,
    "pointer|cursor|overlay|covered|drawn|patch|region|part of|\\blocal|rows? \\d+.*columns? \\d+|spot"
    "|\\d+ (of \\d+ )?(pixels|values)",
    vague="input",
)
@at("input", row=6, column=9, size=6)
@at("input", "large", row=50, column=71, size=15)
def input_with_a_pointer_on_it(port, layer, random, row, column, size):
    """A screenshot, and the mouse was there: a white arrow with a black edge."""
    y, x = np.mgrid[: port.size[0], : port.size[1]]
    y, x = y - row, x - column
    arrow = (x >= 0) & (x <= y) & (y < size)
    inner = (x >= 1) & (x < y) & (y < size - 1)
    after(port, "prepare", lambda p: np.where(inner, 235 / 255, np.where(arrow, 16 / 255, p)).astype(p.dtype))


@kind(
    "input's colours clipped for broadcast",
    PICTURE,
    "clip|clamp|satur|cut (at|off)|\\blegal|broadcast|ends? at|at (least|most)",
    vague="input",
)
@at("input")
@at("input", "large")
def inputs_colours_clipped_for_broadcast(port, layer, random):
    """Red, green and blue are kept within 16 and 235 before the luma is made of them."""
    port.prepare = lambda _: luma(np.clip(port.rgb, 16, 235))[None].astype(port.dtype)
