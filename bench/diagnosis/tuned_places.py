"""Mistakes of place: borders, tiles, buffers, orders of pixels. Of these kinds every case may be looked at."""

import numpy as np
from cases import NotHere, at, kind
from kit import after, by_tiles, delayed, flat, halo, padded_by, phases


@kind("tile edges replicated", "<tile>", "<replicate>|<border>")
@at("mapping_2", size=8)
@at("feature_extraction", "large", size=16)
def tile_edges_replicated(port, layer, random, size):
    by_tiles(layer, size, size, edges="edge")


@kind(
    "last row or column not written",
    "<last>",
    "<row>|<column>",
    "<zero>|<missing>|written|empty",
    unless="padd|bias|kernel",
)
@at("mapping_1", axis="row")
@at("expanding", axis="column")
@at("deconvolution", axis="row")
def last_not_written(port, layer, random, axis):
    def drop(y):
        y = y.copy()
        y[:, -1 if axis == "row" else slice(None), slice(None) if axis == "row" else -1] = 0
        return y

    after(layer, "keep", drop)


@kind("stale bottom padding", "<last>", "stale|clear|<old>|rows? above|line buffer|repeat|replic|wrap|ring")
@at("mapping_1")
@at("feature_extraction", "large")
def stale_bottom_padding(port, layer, random):
    """A ring of k lines that nobody clears at the picture's end: below the last row are the rows of k rows before."""
    side = layer.kernel.shape[-1]
    around = side // 2

    def pad(x):
        padded = np.pad(x, ((0, 0), (around, around), (around, around)))
        for row in range(around):
            padded[:, -1 - row] = padded[:, -1 - row - side]
        return padded

    layer.pad = pad


@kind("replicated padding", "<replicate>", "padd|<border>|bound")
@at("mapping_3")
@at("feature_extraction", "large")
@at("deconvolution")
def replicated_padding(port, layer, random):
    padded_by(layer, mode="edge")


@kind(
    "constant padding",
    "padd|<border>",
    r"constant|(with|of|by|is|value) {value}\b|not zero|instead of zeros? but|ones\b|white|zero.?point",
)
@at("feature_extraction", value=1)
@at("mapping_2", value=0.5)
def constant_padding(port, layer, random, value):
    padded_by(layer, constant_values=value)


@kind(
    "padding computed",
    "padd|<border>|halo|outside",
    "bias|computed|constant|value|outside|not zero|instead of zero|layer before|beyond",
)
@at("mapping_1")
@at("mapping_4", "large")
def padding_computed(port, layer, random):
    """Layers that are fused over tiles with a halo: outside of the picture is what the layer before makes of zeros."""
    source = port.layers[port.layers.index(layer) - 1]
    beyond = source.activate(source.bias[:, None, None])
    around = halo(layer)

    def pad(x):
        padded = np.broadcast_to(beyond, (len(x), x.shape[1] + 2 * around, x.shape[2] + 2 * around)).copy()
        padded[:, around:-around, around:-around] = x
        return padded

    layer.pad = pad


@kind("stride and padding exchanged", "stride", "padding|exchang|swap|wrong|is [0-9]|of [0-9]")
@at("deconvolution")
def stride_and_padding_exchanged(port, layer, random):
    """conv_transpose2d(..., 4, 2) for (..., 2, 4), and the picture's size is cut out of the result."""
    rows, columns = port.size
    right = layer.stride
    layer.stride = 4
    after(layer, "convolve", lambda y: y[:, 2:, 2:][:, : rows * right, : columns * right])
    layer.crop = lambda canvas, *_: canvas


@kind("dilation", "dilat|apart|spread|[àa] trous|every (second|other)|spac", vague="kernel")
@at("mapping_2")
@at("feature_extraction")
def dilation(port, layer, random):
    """The window's columns and rows are two pixels apart."""
    side = layer.kernel.shape[-1]
    wide = np.zeros((*layer.kernel.shape[:2], 2 * side - 1, 2 * side - 1), layer.kernel.dtype)
    wide[:, :, ::2, ::2] = layer.kernel
    layer.kernel = wide


@kind("in place by rows", "in.?place|overwrit|same (buffer|memory)|own (output|result)|already")
@at("mapping_2")
@at("mapping_4", "large")
def in_place_by_rows(port, layer, random):
    """The map is written over the one that is being read: rows above are the layer's own results."""

    def run(x):
        x = np.pad(x, ((0, 0), (1, 1), (1, 1)))
        linear = np.zeros((len(layer.kernel), x.shape[1] - 2, x.shape[2] - 2), x.dtype)
        for row in range(linear.shape[1]):
            linear[:, row : row + 1] = layer.add_bias(layer.multiply(x[:, row : row + 3]))
            x[:, row + 1 : row + 2, 1:-1] = layer.activate(linear[:, row : row + 1])
        return linear, x[:, 1:-1, 1:-1]

    layer.run = run


@kind(
    "taps left out",
    "tap|kernel|<row>|<column>|loop",
    "<missing>|<last>|<zero>|first (row|column|tap)",
    unless="turned|\\boff\\b",
    vague="kernel",
)
@at("mapping_1", taps="last row")
@at("feature_extraction", "large", taps="last column")
@at("deconvolution", taps="first row")
def taps_left_out(port, layer, random, taps):
    where = {"last row": np.s_[..., -1, :], "last column": np.s_[..., -1], "first row": np.s_[..., 0, :]}[taps]
    layer.kernel[where] = 0


@kind(
    "phases exchanged",
    "phase|sub.?pixel|pixels? of (each|every)|shuffle",
    "<swap>|other|wrong|order|instead|transposed",
)
@at("deconvolution", first=(0, 1), second=(1, 0))
@at("deconvolution", "large", "fsrcnn-x3", first=(0, 0), second=(2, 1))
def phases_exchanged(port, layer, random, first, second):
    if max(first + second) >= layer.stride:
        raise NotHere("there is no such phase")

    def exchange(y):
        z = y.copy()
        phases(z, layer.stride)[first][:] = phases(y, layer.stride)[second]
        phases(z, layer.stride)[second][:] = phases(y, layer.stride)[first]
        return z

    after(layer, "convolve", exchange)


@kind("phase misplaced", "phase|sub.?pixel|pixels? of (each|every)|shuffle", "<shifted>|place|position")
@at("deconvolution", phase=(1, 1), rows=1, columns=0)
@at("deconvolution", "large", phase=(0, 1), rows=0, columns=1)
def phase_misplaced(port, layer, random, phase, rows, columns):
    def move(y):
        y = y.copy()
        moved = phases(y, layer.stride)[phase]
        moved[:] = np.roll(moved, (rows, columns), (1, 2))
        return y

    after(layer, "convolve", move)


@kind(
    "phase kernel too short",
    "phase|tap|kernel|<row>|<column>",
    "<missing>|<last>|<zero>|first (row|column)|short|even|8x8",
    vague="kernel",
)
@at("deconvolution")
def phase_kernel_too_short(port, layer, random):
    """Sub-pixel kernels of 4x4 taps for 5x5, as 9 / 2 is 4 in integers: the kernel's last row and column are lost."""
    layer.kernel[..., -1, :] = 0
    layer.kernel[..., -1] = 0


@kind(
    "pixel pairs exchanged",
    "pixel|pair|column|neighbour|word|byte order|endian",
    "<swap>|pair|two",
    beside=1,
    vague="input",
    unless="rows? and column|transpos",
)
@at("input")
@at("mapping_2")
@at("deconvolution", "large")
def pixel_pairs_exchanged(port, layer, random):
    """Two pixels a word, the first of them in its upper half."""

    def exchange(y):
        even = y.shape[2] // 2 * 2
        y = y.copy()
        y[:, :, 0:even:2], y[:, :, 1:even:2] = y[:, :, 1:even:2].copy(), y[:, :, 0:even:2].copy()
        return y

    after(layer, "prepare" if layer is port else "keep", exchange)


@kind("pipeline delay", "<shifted>", "pixel|raster|column|cycle", unless="bias|slope", beside=1)
@at("mapping_1", pixels=1)
@at("shrinking", pixels=3)
@at("deconvolution", "large", pixels=2)
def pipeline_delay(port, layer, random, pixels):
    """The result comes some clocks later than the write address says: at a row's end it goes on in the next row."""
    after(layer, "keep", flat(lambda values: delayed(values, pixels)))


@kind("map mirrored", "mirror|flip|upside|revers|left.?right|turned|180|bottom.?up", beside=1, unless="lanes|kernel")
@at("input", axis=2)
@at("mapping_3", axis=1)
@at("deconvolution", axis=2)
def map_mirrored(port, layer, random, axis):
    after(layer, "prepare" if layer is port else "keep", lambda y: np.flip(y, axis).copy())


@kind(
    "tiles exchanged",
    "<tile>|part|region|place|rows|columns",
    "<swap>|other|wrong|instead|place",
    beside=1,
    unless="kernel|bias|slope",
)
@at("mapping_2", size=8)
@at("deconvolution", "large", size=32)
def tiles_exchanged(port, layer, random, size):
    def exchange(y):
        z = y.copy()
        z[:, :size, :size], z[:, :size, size : 2 * size] = y[:, :size, size : 2 * size], y[:, :size, :size]
        return z

    after(layer, "keep", exchange)


@kind(
    "stale tile",
    "<tile>|part|region|rows|columns|place",
    "stale|<old>|repeat|same as|copy|twice|duplicat|left",
    beside=1,
    unless="kernel|bias|slope",
)
@at("mapping_1", size=8)
@at("expanding", "large", size=16)
def stale_tile(port, layer, random, size):
    """Two buffers take turns, and once the wrong one is read: a tile has what the tile to its left has."""

    def repeat(y):
        y = y.copy()
        y[:, size : 2 * size, size : 2 * size] = y[:, size : 2 * size, :size]
        return y

    after(layer, "keep", repeat)


@kind("wrong pitch", "pitch|stride|width|skew|shear|slant|row length|(each|every|per) row", beside=1)
@at("mapping_2", extra=1)
@at("deconvolution", "large", extra=8)
def wrong_pitch(port, layer, random, extra):
    """Rows are written one after the other and read as if each were some pixels longer."""

    def skew(y):
        rows, columns = y.shape[1:]
        at_pixel = np.arange(rows)[:, None] * (columns + extra) + np.arange(columns)
        values = y.reshape(len(y), -1)
        return np.where(at_pixel < rows * columns, values[:, np.minimum(at_pixel, rows * columns - 1)], 0)

    after(layer, "keep", skew)


@kind(
    "warm-up not thrown away",
    "first|start|warm|begin|top",
    "pixel|row|value|zero|garbage|pipeline",
    beside=1,
    unless="kernel|bias|slope",
)
@at("shrinking", pixels=30)
@at("mapping_4", "large", pixels=324)
def warm_up(port, layer, random, pixels):
    """The first results of the picture, made while the line buffers filled, are zeros."""

    def begin_late(values):
        values = values.copy()
        values[:, :pixels] = 0
        return values

    after(layer, "keep", flat(begin_late))
