"""Mistakes of place, of the second lot that was held out: margins, tiles, buffers, threads, textures."""

import numpy as np
from cases import at, kind
from kit import after, before, halo, padded_by, phases

from picture import luma, make_picture


@kind(
    "valid result in the corner",
    "<shifted>|valid|no padding|corner|top.left",
    "<last>|<border>|<zero>|valid|padd",
    unless="bias|slope",
)
@at("mapping_3")
@at("feature_extraction", "large")
def valid_result_in_the_corner(port, layer, random):
    """MATLAB's conv2(..., 'valid') into a zeroed array, from its first row and column on."""

    def valid(x):
        part = layer.multiply(x)
        whole = np.zeros((len(part), *x.shape[1:]), part.dtype)
        whole[:, : part.shape[1], : part.shape[2]] = part
        return whole

    layer.convolve = valid


@kind("outer pixels read as zero", "<border>", "<zero>|<missing>|inside|ignor", unless="bias|slope|written")
@at("mapping_2")
@at("feature_extraction", "large")
def outer_pixels_read_as_zero(port, layer, random):
    """if (x > 0 && x < width - 1) for >= and <=: the picture's outermost pixels are taken for padding."""

    def cut(x):
        inner = np.zeros_like(x)
        inner[:, 1:-1, 1:-1] = x[:, 1:-1, 1:-1]
        return inner

    before(layer, "pad", cut)


@kind("circular padding", "wrap|circular|periodic|opposite|torus|fft|other side", "padd|<border>|wrap|picture")
@at("mapping_3")
@at("feature_extraction", "large")
@at("deconvolution")
def circular_padding(port, layer, random):
    """The product of Fourier transforms, of which nobody cut the margin: the other side comes in."""
    padded_by(layer, mode="wrap")


@kind("padding replicated at the end alone", "<replicate>", "padd|<border>|bound", "<last>")
@at("mapping_1")
@at("feature_extraction", "large")
def padding_replicated_at_the_end_alone(port, layer, random):
    """min(x, width - 1) for the address, and a test for x < 0 alone."""
    around = halo(layer)

    def pad(x):
        zeros = np.pad(x, ((0, 0), (around, 0), (around, 0)))
        return np.pad(zeros, ((0, 0), (0, around), (0, around)), mode="edge")

    layer.pad = pad


@kind("corners of the padding not cleared", "corners?")
@at("mapping_4")
@at("feature_extraction", "large")
def corners_of_the_padding_not_cleared(port, layer, random):
    """Rows and columns of the margin are cleared along the picture, its four corners are not."""
    around = halo(layer)

    def spoil(padded):
        for rows in (slice(0, around), slice(-around, None)):
            for columns in (slice(0, around), slice(-around, None)):
                padded[:, rows, columns] = 0.5
        return padded

    after(layer, "pad", spoil)


@kind(
    "fields one after the other",
    "<row>|field|interlac",
    r"interlac|field|even|odd|order|places?|every (second|other)|<swap>|2 by \d+ was read as",
    beside=1,
    vague="input",
)
@at("mapping_1")
@at("input", "large")
def fields_one_after_the_other(port, layer, random):
    """First all even rows, then all odd ones: two banks of memory read one after the other."""
    after(
        port if layer is port else layer,
        "prepare" if layer is port else "keep",
        lambda y: np.concatenate([y[:, ::2], y[:, 1::2]], 1),
    )


@kind("row pairs exchanged", "<row>", "pair|<swap>|within each 2|even|odd|places?", beside=1, unless="bias|slope")
@at("mapping_2")
@at("expanding", "large")
def row_pairs_exchanged(port, layer, random):
    """Ping-pong line buffers that are read in the wrong phase: rows 1, 0, 3, 2 and so on."""
    after(layer, "keep", lambda y: y.reshape(len(y), -1, 2, y.shape[2])[:, :, ::-1].reshape(y.shape))


@kind(
    "pixels of a word reversed",
    "<column>|pixel|word|lane|group",
    "revers|order|within each|<swap>|endian|mirror|places",
    beside=1,
    unless="bias|slope|kernel",
)
@at("mapping_2", word=4)
@at("deconvolution", "large", word=8)
def pixels_of_a_word_reversed(port, layer, random, word):
    """A word of the bus has several pixels, the first of them in its upper end."""
    after(layer, "keep", lambda y: y.reshape(len(y), -1, word)[..., ::-1].reshape(y.shape))


@kind(
    "tiles transposed",
    "<tile>|part|region|\\d+ ?x ?\\d+|within each",
    "transpos|rows? and columns?[^;,.]* <swap>|axes|<swap>",
    beside=1,
    unless="bias|slope|kernel",
)
@at("mapping_1", size=4)
@at("expanding", "large", size=16)
def tiles_transposed(port, layer, random, size):
    """Each tile is written column by column and read row by row."""

    def transpose(y):
        channels, rows, columns = y.shape
        tiles = y.reshape(channels, rows // size, size, columns // size, size)
        return tiles.swapaxes(2, 4).reshape(y.shape)

    after(layer, "keep", transpose)


@kind(
    "rows of one thread missing",
    "<row>|<tile>|part|region|band",
    "<zero>|<missing>|written|thread|empty",
    beside=1,
    unless="padd|bias|kernel",
)
@at("mapping_2", thread=1)
@at("deconvolution", "large", thread=3)
def rows_of_one_thread_missing(port, layer, random, thread):
    """Four threads have a quarter of the rows each; one is not waited for."""

    def lose(y):
        y, rows = y.copy(), y.shape[1] // 4
        y[:, thread * rows : (thread + 1) * rows] = 0
        return y

    after(layer, "keep", lose)


@kind(
    "stamps overwritten",
    "overwrit|not (added|summed|accumulated)|last (write|stamp|one)|<missing>|overlap",
    "overlap|stamp|sum|add|accumul|tap|pixel|output",
    vague="kernel",
    unless="bias|slope",
)
@at("deconvolution")
@at("deconvolution", "large", "fsrcnn-x3")
def stamps_overwritten(port, layer, random):
    """out[...] = value * kernel for +=: where the kernels of pixels overlap, the last pixel's stays."""

    def multiply(x):
        side, scale = layer.kernel.shape[-1], layer.stride
        taps = np.tensordot(layer.kernel[:, 0], x, axes=(0, 0))
        rows, columns = x.shape[1:]
        canvas = np.zeros(((rows + 1) * scale + side, (columns + 1) * scale + side), x.dtype)
        for ky in reversed(range(side)):
            for kx in reversed(range(side)):
                canvas[ky : ky + rows * scale : scale, kx : kx + columns * scale : scale] = taps[ky, kx]
        return canvas[None]

    layer.multiply = multiply


@kind(
    "phase missing",
    "phase|sub.?pixel|every (second|other)|pixels? of (each|every)|odd|even|stride|\\b1, ?1\\b",
    "<zero>|<missing>|empty|bias (alone|only)",
)
@at("deconvolution", phase=(1, 1))
@at("deconvolution", "large", "fsrcnn-x3", phase=(0, 2))
def phase_missing(port, layer, random, phase):
    """Of the outputs of each pixel, one is never computed; the buffer is cleared before."""

    def lose(y):
        y = y.copy()
        phases(y, layer.stride)[phase][:] = 0
        return y

    after(layer, "convolve", lose)


@kind(
    "columns counted by the height",
    "<last>|<column>|beyond",
    "<zero>|<missing>|written|empty|height|square",
    beside=1,
    unless="padd|bias|kernel",
)
@at("mapping_1")
@at("expanding", "large")
def columns_counted_by_the_height(port, layer, random):
    """for (x = 0; x < height; x++): the picture's right part is never written."""

    def cut(y):
        y = y.copy()
        y[:, :, y.shape[1] :] = 0
        return y

    after(layer, "keep", cut)


@kind(
    "burst repeated",
    "values|pixels|burst|block|channel|row",
    "repeat|same (as|values)|copy|copies|stale|duplicat|<twice>|<replicate>|in the place of|holds? what",
    beside=1,
    unless="bias|slope|kernels",
)
@at("mapping_2", first=640)
@at("shrinking", "large", first=40000)
def burst_repeated(port, layer, random, first):
    """A burst of 64 values is sent again in the next one's place, after a fault of the bus."""

    def again(y):
        values = y.ravel().copy()
        values[first + 64 : first + 128] = values[first : first + 64]
        return values.reshape(y.shape)

    after(layer, "keep", again)


@kind(
    "one channel displaced",
    "<channel>",
    r"\b{channel}\b",
    "<shifted>|lower|higher",
    beside=1,
    unless="bias|slope|kernel",
)
@at("feature_extraction", channel=22)
@at("mapping_4", "large", channel=3)
def one_channel_displaced(port, layer, random, channel):
    """One plane's address is a row too far."""

    def displace(y):
        y = y.copy()
        y[channel, 1:] = y[channel, :-1].copy()
        y[channel, 0] = 0
        return y

    after(layer, "keep", displace)


@kind(
    "picture by columns",
    "transpos|column.(major|by)|by columns|fortran|order|row.*column|<swap>|layout",
    beside=1,
    vague="input",
    unless="bias|slope|kernel",
)
@at("input")
@at("mapping_2", "large")
def picture_by_columns(port, layer, random):
    """MATLAB's and Julia's memory: written column by column, read row by row, of a picture that is no square."""
    after(
        port if layer is port else layer,
        "prepare" if layer is port else "keep",
        lambda y: y.transpose(0, 2, 1).reshape(y.shape).copy(),
    )


@kind(
    "map before last read",
    "reads?|input|layer before|takes|instead of",
    "{source}|<old>|buffer|ping|not exchanged|stale|before last|earlier",
    unless="bias|slope|kernels",
)
@at("mapping_3", source="mapping.1")
@at("mapping_4", "large", source="mapping.2")
def map_before_last_read(port, layer, random, source):
    """Two buffers take turns, and this layer forgot to: it reads what the layer before has read."""
    kept, other = {}, port[source.replace(".", "_")]

    def remember(y):
        kept["map"] = y
        return y

    after(other, "keep", remember)
    layer.read = lambda x: kept["map"]


@kind(
    "read before the activation",
    "activat|prelu|linear|slope",
    "before|not activated|<missing>|linear|too (early|soon)|convolution's",
    unless="bias",
)
@at("mapping_3")
@at("expanding", "large")
def read_before_the_activation(port, layer, random):
    """Sums and activated values have a buffer each; the next layer is given the wrong one."""
    source, kept = port.layers[port.layers.index(layer) - 1], {}

    def remember(y):
        kept["map"] = y
        return y

    after(source, "add_bias", remember)
    layer.read = lambda x: kept["map"]


@kind(
    "map of another picture",
    "picture|frame|image|<old>|stale",
    "another (picture|frame|image)|other (picture|frame|image)|<old>|stale|not this|different picture",
    vague="input",
    unless="kernel|bias",
)
@at("mapping_2")
@at("input", "large")
def map_of_another_picture(port, layer, random):
    """The buffer still has the frame before."""
    rows, columns = port.size
    x = luma(make_picture(columns, rows, 77))[None].astype(port.dtype)
    if layer is port:
        port.prepare = lambda _: x
        return
    for each in port.layers[: port.layers.index(layer) + 1]:
        x = each.run(x)[1]
    layer.keep = lambda y: x
