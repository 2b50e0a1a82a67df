# HELD OUT. If you improve `fsrcnn diagnose`, please do not read this file, nor the cases it makes: what is measured
# with them is worth something as long as nobody has fitted the program to it.

"""Held-out mistakes of the picture as it is read: planes, packed formats, cameras, screens."""

import numpy as np
from cases import at, kind
from kit import after
from picture import luma

PICTURE = "input|picture|luma|image"


def chroma(rgb):
    """Cb and Cr of BT.601, limited range, in bytes."""
    return 128 + rgb.astype(float) @ np.array([[-37.797, -74.203, 112], [112, -93.786, -18.214]]).T / 255


@kind("input chroma plane", PICTURE, "chroma|\\bc[br]\\b|\\b[uv]\\b|colou?r difference", vague="input")
@at("input", plane="Cb")
@at("input", "large", plane="Cr")
def input_chroma_plane(port, layer, random, plane):
    """Of Y, Cb and Cr another plane than the first is taken."""
    x = chroma(port.rgb)[..., ("Cb", "Cr").index(plane)] / 255
    port.prepare = lambda _: x[None].astype(port.dtype)


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
