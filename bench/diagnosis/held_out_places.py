# HELD OUT. If you improve `fsrcnn diagnose`, please do not read this file, nor the cases it makes: what is measured
# with them is worth something as long as nobody has fitted the program to it.

"""Held-out mistakes of place: memories, bursts, tiles, phases, layouts."""

import numpy as np
from cases import at, kind
from kit import after, flat, halo, phases


@kind(
    "Z-order read as rows",
    "<tile>|block|\\d+ ?x ?\\d+|within each|group|region|pixels",
    "morton|z.?order|z.?curve|swizzl|order|<swap>|quadrant|zig.?zag|bits|in the place of",
    beside=1,
    unless="kernels|bias|slope|too late|raster order",
)
@at("mapping_2", size=4)
@at("expanding", "large", size=16)
def z_order_read_as_rows(port, layer, random, size):
    """Textures and frame buffers keep tiles in Morton's order; a plain loop reads them row by row."""
    row, column = np.zeros(size * size, int), np.zeros(size * size, int)
    for bit in range(size.bit_length() - 1):
        column |= (np.arange(size * size) >> 2 * bit & 1) << bit
        row |= (np.arange(size * size) >> 2 * bit + 1 & 1) << bit

    def read(y):
        channels, rows, columns = y.shape
        tiles = y.reshape(channels, rows // size, size, columns // size, size).swapaxes(2, 3)
        memory = tiles[..., row, column].reshape(tiles.shape)
        return memory.swapaxes(2, 3).reshape(y.shape)

    after(layer, "keep", read)


@kind(
    "address bits exchanged",
    "<column>|address|pixels?",
    "<swap>|order|bits?\\b|in the place of|places?|address lines?",
    beside=1,
    unless="kernels|bias|slope|rows? and column|transpos|too late|raster order",
)
@at("mapping_3", bits=(0, 2))
@at("feature_extraction", "large", bits=(1, 4))
def address_bits_exchanged(port, layer, random, bits):
    """Two address lines of a memory have each other's pin: of each column's number two bits are exchanged."""
    low, high = bits

    def read(y):
        x = np.arange(y.shape[2])
        other = x & ~(1 << low | 1 << high) | (x >> low & 1) << high | (x >> high & 1) << low
        return y[:, :, other]

    after(layer, "keep", read)


@kind(
    "address bit stuck",
    "<column>|address|pixels?",
    "<twice>|repeat|same|copy|copies|overwrit|<replicate>|in the place of|holds? what|stuck|instead|duplicat",
    beside=1,
    unless="kernels|bias|slope|padd|mirror",
)
@at("mapping_1", bit=4)
@at("deconvolution", "large", bit=32)
def address_bit_stuck(port, layer, random, bit):
    """An address line is never high: of two columns that differ in this bit, both read what was written last."""
    after(layer, "keep", lambda y: y[:, :, np.arange(y.shape[2]) | bit])


@kind(
    "rows beyond are another channel's",
    "padd|<border>|beyond|outside|above|below",
    "channels?|planes?",
    "next|before|neighbour|memory|other|previous|another|runs? (on|over)|adjacent",
    unless="kernels|bias|slope",
)
@at("mapping_1")
@at("mapping_4", "large")
def rows_beyond_are_another_channels(port, layer, random):
    """No test of the row's number: above a channel lies in memory the last row of the one before, below the next."""
    around = halo(layer)

    def pad(x):
        padded = np.pad(x, ((0, 0), (around, around), (around, around)))
        padded[1:, :around, around:-around] = x[:-1, -around:]
        padded[:-1, -around:, around:-around] = x[1:, :around]
        return padded

    layer.pad = pad


@kind(
    "values lost by a full FIFO",
    "lost|drop|<missing>|skip|<shifted>|overflow|fewer",
    "every|each|fifo|more and more|grow|increas|drift|skew|pitch|\\b{every}\\b|further|later|earlier|after",
    beside=1,
    unless="kernels|bias|slope|channel \\d",
)
@at("mapping_2", every=50)
@at("expanding", "large", every=999)
def values_lost_by_a_full_fifo(port, layer, random, every):
    """While the queue is full nobody holds the writer back: now and then a value is lost, and all others move up."""

    def lose(values):
        kept = values[:, np.arange(values.shape[1]) % every != every - 1]
        return np.pad(kept, ((0, 0), (0, values.shape[1] - kept.shape[1])))

    after(layer, "keep", flat(lose))


@kind(
    "bursts wrap at 4 KB",
    "burst|values|page|4 ?kb|4096|1024|runs?\\b|block|part|region|places?|<row>|pixels",
    "wrap|<zero>|<missing>|written|stale|overwrit|wrong (place|address)|boundary|page|holds? what|in the place of",
    beside=1,
    unless="kernels|bias|slope|padd",
)
@at("mapping_3", burst=48)
@at("shrinking", "large", burst=160)
def bursts_wrap_at_4_kb(port, layer, random, burst):
    """AXI bursts must not cross 4 KB; whoever lets them finds their rest at the page's begin, and a gap behind it."""

    def write(y):
        values = y.ravel()
        index = np.arange(values.size)
        page = index // burst * burst // 1024 * 1024
        memory = np.zeros_like(values)
        memory[page + (index - page) % 1024] = values
        return memory.reshape(y.shape)

    after(layer, "keep", write)


@kind(
    "phases not interleaved",
    "phase|sub.?pixel|shuffle|interleav|pixels?|<row>|<column>|even|odd",
    "interleav|shuffle|quadrant|side by side|apart|one after the other|put together|quarter|split|reshape|depth.?to"
    "|(even|first).*(odd|then)|layout|order|was read as",
    unless="kernels? (is|are)|bias|slope|turned",
)
@at("deconvolution", how="quadrants")
@at("deconvolution", "large", "fsrcnn-x3", how="reshaped")
def phases_not_interleaved(port, layer, random, how):
    """Sub-pixel convolution without its shuffle: the phases side by side, or one after the other in memory."""

    def put(y):
        scale, (rows, columns) = layer.stride, (side // layer.stride for side in y.shape[1:])
        parts = np.stack(list(phases(y, scale).values())).reshape(scale, scale, rows, columns)
        return (parts.swapaxes(1, 2) if how == "quadrants" else parts).reshape(y.shape)

    after(layer, "convolve", put)


@kind(
    "stamps run on into the next row",
    "wrap|next row|row (above|below|before)|runs? (on|over)|other side|opposite|circular|in memory|neighbouring row",
    "<border>|padd|<column>|<row>|stamp|edge",
    unless="bias|slope",
)
@at("deconvolution")
@at("deconvolution", "large", "fsrcnn-x3")
def stamps_run_on_into_the_next_row(port, layer, random):
    """Stamps are added without a test of the column: what goes beyond the right edge is at the left, a row lower."""
    side, scale = layer.kernel.shape[-1], layer.stride

    def convolve(x):
        taps = np.tensordot(layer.kernel[:, 0], x, axes=(0, 0))
        rows, columns = (n * scale for n in x.shape[1:])
        memory = np.zeros(rows * columns, x.dtype)
        for ky in range(side):
            for kx in range(side):
                y = np.arange(0, rows, scale)[:, None] + ky - side // 2
                index = y * columns + np.arange(0, columns, scale) + kx - side // 2
                inside = (y >= 0) & (y < rows) & (index >= 0) & (index < memory.size)
                memory[index[inside]] += taps[ky, kx][inside]
        return memory.reshape(1, rows, columns)

    layer.convolve = convolve


@kind(
    "blocks of four channels read plainly",
    "channels?|lanes?|layout|nc4|nchw|nhwc|planes?",
    "interleav|layout|pack|order|was read as|transpos|channels? last|blocks?|vec4|rgba",
    beside=1,
    unless="kernels|bias|slope",
)
@at("mapping_1")
@at("expanding", "large")
def blocks_of_four_channels_read_plainly(port, layer, random):
    """NC4HW4, as inference engines for telephones keep it: four channels side by side, read as planes."""
    after(layer, "keep", lambda y: y.reshape(-1, 4, *y.shape[1:]).transpose(0, 2, 3, 1).reshape(y.shape))


@kind(
    "lower half of a vector stored twice",
    "<column>|pixel|lane|vector|values",
    "<twice>|repeat|copy|copies|same|duplicat|<replicate>|in the place of|holds? what|instead",
    "\\b{half}\\b|half|within each|every|each|vector",
    beside=1,
    unless="kernels|bias|slope|padd",
)
@at("mapping_4", half=4)
@at("deconvolution", "large", half=8)
def lower_half_of_a_vector_stored_twice(port, layer, random, half):
    """vget_low() in both stores: the upper half of each vector of pixels is its lower one again."""

    def store(y):
        x = np.arange(y.shape[2])
        return y[:, :, np.where(x % (2 * half) < half, x, x - half)]

    after(layer, "keep", store)
