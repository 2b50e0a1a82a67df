"""More mistakes of place: margins, tiles, buffers, threads, textures. Of these kinds every case may be looked at."""

import numpy as np
from cases import at, kind
from kit import after, delayed, flat


@kind(
    "padding on one side",
    "padd|<border>|<shifted>|window",
    "one.?side|<last>|right|below|top|left|asymmetr|<shifted>|same",
    unless="bias|slope|numbered",
)
@at("mapping_2", side="bottom right")
@at("feature_extraction", "large", side="top left")
def padding_on_one_side(port, layer, random, side):
    """All of the padding on one side, as a window that begins at its pixel (or ends there) needs it."""
    both = layer.kernel.shape[-1] - 1
    room = (0, both) if side == "bottom right" else (both, 0)
    layer.pad = lambda x: np.pad(x, ((0, 0), room, room))


@kind(
    "window row read twice",
    "<row>|window|tap",
    "<twice>|repeat|same|instead|<shifted>|wrong row|other row|copy|stale|<missing>|<zero>",
    vague="kernel",
    unless="\\bbias|turned|transpos",
)
@at("mapping_2")
@at("feature_extraction", "large")
def window_row_read_twice(port, layer, random):
    """Two of a window's rows come from one line buffer: the second row's taps see the first row."""
    layer.kernel[..., 0, :] += layer.kernel[..., 1, :]
    layer.kernel[..., 1, :] = 0


@kind(
    "row dropped or repeated",
    "<row>",
    "<missing>|<shifted>|repeat|insert|lost|<twice>|another order|in the place of|too (soon|late)|copy",
    beside=1,
    unless="bias|slope|kernels",
)
@at("mapping_3", row=7, how="dropped")
@at("shrinking", "large", row=50, how="repeated")
def row_dropped_or_repeated(port, layer, random, row, how):
    """A stall in the middle of the picture: a row is lost or comes twice, and all rows below are off by one."""

    def stall(y):
        rows = np.arange(y.shape[1])
        rows[row:] += 1 if how == "dropped" else -1
        return y[:, np.minimum(rows, y.shape[1] - 1)]

    after(layer, "keep", stall)


@kind(
    "tearing",
    "<shifted>|<row>",
    "half|right|part|region|from column|columns? \\d+|column on|last \\d+ columns",
    beside=1,
    unless="bias|slope|kernels",
)
@at("mapping_2")
@at("deconvolution", "large")
def tearing(port, layer, random):
    """Two cores work on two halves of the picture, and the right one's is written a row too low."""

    def tear(y):
        y, half = y.copy(), y.shape[2] // 2
        y[:, 1:, half:] = y[:, :-1, half:]
        y[:, 0, half:] = 0
        return y

    after(layer, "keep", tear)


@kind(
    "tiles by columns",
    "<tile>|part|region",
    "order|<swap>|transpos|places?|column.major|by columns",
    beside=1,
    unless="bias|slope|kernel",
)
@at("mapping_2", size=4)
@at("deconvolution", "large", size=32)
def tiles_by_columns(port, layer, random, size):
    """Tiles are made column of tiles by column, and put together row by row."""

    def reorder(y):
        channels, rows, columns = y.shape
        down, across = rows // size, columns // size
        tiles = y.reshape(channels, down, size, across, size).transpose(0, 3, 1, 2, 4)
        tiles = tiles.reshape(channels, down, across, size, size)
        return tiles.swapaxes(2, 3).reshape(y.shape)

    after(layer, "keep", reorder)


@kind(
    "overlaps added twice",
    "<tile>|<row>|overlap",
    "<twice>|<scale>|overlap|added",
    unless="bias|slope|kernels",
)
@at("deconvolution", rows=16)
@at("mapping_2", "large", rows=32)
def overlaps_added_twice(port, layer, random, rows):
    """Strips that overlap are added up, and each has the sums of the rows at its ends already."""

    def add(y):
        y = y.copy()
        for seam in range(rows, y.shape[1], rows):
            y[:, seam - 1 : seam + 1] *= 2
        return y

    after(layer, "convolve", add)


@kind(
    "one phase for all",
    "phase|pixel|block|<row>.*<column>|nearest|sub.?pixel",
    "repeat|same|copy|copies|<replicate>|one phase|equal|duplicat|holds? what|in the place of",
    unless="padd|bias|slope",
)
@at("deconvolution")
@at("deconvolution", "large", "fsrcnn-x3")
def one_phase_for_all(port, layer, random):
    """All outputs of a pixel have the first one's kernel: the loop over phases does not change the address."""
    scale = layer.stride
    after(layer, "convolve", lambda y: y[:, ::scale, ::scale].repeat(scale, 1).repeat(scale, 2))


@kind(
    "convolution of stride 2",
    "stride|every (second|other)|sub.?sampl|block|2 ?x ?2|pairs?|<row>.*<column>",
    "repeat|<replicate>|same|stride|copy|nearest|decimat|pool|holds? what|in the place of",
    unless="bias|slope|padd",
)
@at("mapping_2")
@at("shrinking", "large")
def convolution_of_stride_2(port, layer, random):
    """A stride that is left from another network, and the map is stretched to its size again."""
    after(layer, "convolve", lambda y: y[:, ::2, ::2].repeat(2, 1).repeat(2, 2))


@kind("half a pixel", "half|bilinear|interpolat|average|mean\\b|blur|smooth|between", beside=1, vague="input")
@at("mapping_3")
@at("input", "large")
def half_a_pixel(port, layer, random):
    """A texture is sampled at pixels' corners: the mean of four neighbours."""

    def sample(y):
        below = np.concatenate([y[:, 1:], y[:, -1:]], 1)
        four = y + below
        return ((four + np.concatenate([four[:, :, 1:], four[:, :, -1:]], 2)) / 4).astype(y.dtype)

    after(port if layer is port else layer, "prepare" if layer is port else "keep", sample)


@kind("smoothing left in", "blur|smooth|average|mean of|filtered|box|gauss|low.?pass|pool", beside=1)
@at("deconvolution")
@at("mapping_3", "large")
def smoothing_left_in(port, layer, random):
    """A filter for nicer pictures, 3x3 pixels' mean, that somebody left switched on."""

    def smooth(y):
        around = np.pad(y, ((0, 0), (1, 1), (1, 1)), mode="edge")
        rows, columns = y.shape[1:]
        parts = [around[:, i : i + rows, j : j + columns] for i in range(3) for j in range(3)]
        return (sum(parts) / 9).astype(y.dtype)

    after(layer, "keep", smooth)


@kind(
    "systolic skew",
    "<shifted>|skew",
    "channel|lane|skew|systolic",
    "each|every|skew|systolic|number|per channel|more",
    beside=1,
    unless="bias|slope|kernels",
)
@at("mapping_2")
@at("shrinking", "large")
def systolic_skew(port, layer, random):
    """Columns of a systolic array come one clock after the other, and nobody waits: channel c is c pixels late."""
    after(layer, "keep", flat(lambda v: np.stack([delayed(v[c : c + 1], c)[0] if c else v[c] for c in range(len(v))])))


@kind(
    "odd channels late",
    "<shifted>",
    "odd|(every|each) (second|other)|half|of (each|every) (two|2)|channels? 1\\b|1, ?3",
    beside=1,
    unless="bias|slope|kernels",
)
@at("mapping_1")
@at("feature_extraction", "large")
def odd_channels_late(port, layer, random):
    """Two channels a word, of which the second passes one register more."""

    def late(values):
        values = values.copy()
        values[1::2] = delayed(values[1::2], 1)
        return values

    after(layer, "keep", flat(late))


@kind("one value wrong", "pixels?|values?", r"\b{row}\b", r"\b{column}\b", beside=1, unless="kernels? of|bias|slope")
@at("mapping_4", row=9, column=13)
@at("expanding", "large", row=60, column=141)
def one_value_wrong(port, layer, random, row, column):
    """A bit that flipped in memory."""

    def flip(y):
        y = y.copy()
        y[5, row, column] += 2 * np.abs(y).max()
        return y

    after(layer, "keep", flip)
