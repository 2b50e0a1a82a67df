"""Mistakes of place, of the fourth lot: rings, halos, tiles, layouts. Of these kinds every case may be looked at."""

import numpy as np
from cases import at, kind
from kit import after, halo


@kind(
    "ring read from its middle",
    "<row>",
    "roll|rotat|wrap|<shifted>|cyclic|circular|order|begins?|starts?|comes? first|in the place of|<swap>",
    beside=1,
    vague="input",
    unless="kernels|bias|slope|padd",
)
@at("shrinking", rows=7)
@at("input", "large", rows=40)
def ring_read_from_its_middle(port, layer, random, rows):
    """A frame in a ring of lines, read from where the writer stands: its upper part comes last."""
    after(layer, "prepare" if layer is port else "keep", lambda y: np.roll(y, -rows, 1))


def by_workgroups(layer, size, spoil):
    """The layer is computed by tiles of size x size with their halo, which is spoilt in the tile's own memory."""
    around = halo(layer)

    def convolve(x):
        padded, bands = layer.pad(x), []
        for top in range(0, x.shape[1], size):
            seen = padded[:, top : top + size + 2 * around]
            parts = []
            for left in range(0, x.shape[2], size):
                tile = seen[:, :, left : left + size + 2 * around].copy()
                spoil(tile, around)
                parts.append(layer.multiply(tile))
            bands.append(np.concatenate(parts, 2))
        return np.concatenate(bands, 1)

    layer.convolve = convolve


@kind("halo's corners not loaded", "<tile>|workgroup|each \\d|\\d+ ?x ?\\d+", "corner|diagonal", unless="kernels|bias")
@at("mapping_2", size=8)
@at("feature_extraction", "large", size=16)
def halos_corners_not_loaded(port, layer, random, size):
    """Threads at a workgroup's rim load the halo beside them, and none loads its four corners."""

    def spoil(tile, around):
        for rows in (slice(0, around), slice(-around, None)):
            tile[:, rows, :around] = tile[:, rows, -around:] = 0

    by_workgroups(layer, size, spoil)


@kind(
    "rows of a tile overlap",
    "<tile>|workgroup|shared memory|every \\d+|columns? \\d+",
    "overlap|pitch|halo|overwrit|next row|row below|<neighbour>|right|last column|wrong|bank|stride",
    unless="kernels|bias|slope",
)
@at("mapping_4", size=8)
@at("feature_extraction", "large", size=32)
def rows_of_a_tile_overlap(port, layer, random, size):
    """Shared memory whose rows are one value too short: each row's last pixel is the first one of the next."""

    def spoil(tile, around):
        tile[:, :-1, -1] = tile[:, 1:, 0]

    by_workgroups(layer, size, spoil)


@kind(
    "tile's margin over its neighbour",
    "<tile>|seam|every \\d+|overlap",
    "margin|overwrit|halo|overlap|<neighbour>|<border>|padd|seam",
    unless="kernels|bias|slope|replic",
)
@at("mapping_1", size=10)
@at("feature_extraction", "large", size=32)
def tiles_margin_over_its_neighbour(port, layer, random, size):
    """Tiles are computed with their halo, which nobody cuts off: its wrong results lie on the tile before."""
    whole = layer.convolve

    def convolve(x):
        around, y = halo(layer), None
        for top in range(0, x.shape[1], size):
            for left in range(0, x.shape[2], size):
                first_row, first_column = max(top - around, 0), max(left - around, 0)
                tile = whole(x[:, first_row : top + size + around, first_column : left + size + around])
                y = np.zeros((len(tile), *x.shape[1:]), tile.dtype) if y is None else y
                rows, columns = tile.shape[1:]
                y[:, first_row : first_row + rows, first_column : first_column + columns] = tile
        return y

    layer.convolve = convolve


@kind(
    "planes overlap by a row",
    "<last>|row \\d+|overlap",
    "channels?|planes?|overlap",
    "next|first row|overlap|overwrit|another|row 0|holds? what|in the place of|too (small|short|close)",
    beside=1,
    unless="padd|kernels|bias|slope",
)
@at("mapping_2")
@at("expanding", "large")
def planes_overlap_by_a_row(port, layer, random):
    """Each channel's memory begins a row too early: the last row of the one before has its first."""

    def overlap(y):
        y = y.copy()
        y[:-1, -1] = y[1:, 0].copy()
        return y

    after(layer, "keep", overlap)


@kind(
    "lines of all channels in turn",
    "layout|interleav|lines?\\b|<row>",
    "channels?|planes?",
    "interleav|in turn|order|layout|hcw|\\bbil\\b|<swap>|each row|line by line|transpos|axes|was read as",
    beside=1,
    unless="kernels|bias|slope",
)
@at("mapping_3")
@at("feature_extraction", "large")
def lines_of_all_channels_in_turn(port, layer, random):
    """A stream has the first line of every channel, then all second ones; it is read channel by channel."""
    after(layer, "keep", lambda y: y.swapaxes(0, 1).reshape(y.shape))
