# HELD OUT. If you improve `fsrcnn diagnose`, please do not read this file, nor the cases it makes: what is measured
# with them is worth something as long as nobody has fitted the program to it.

"""Held-out mistakes of activations, and of dumps that are not what they are said to be."""

import numpy as np
from cases import ACTIVATIONS, FULL, at, kind
from kit import after, before, delayed, flat, step_of


@kind(
    "input activated again",
    "activat|prelu|slope|leak",
    "input|reads?|layer before|previous|given",
    "<twice>|activat|already|scaled|times|slope",
    unless="sums of the|bias|kernels",
)
@at("mapping_3")
@at("deconvolution", "large")
def input_activated_again(port, layer, random):
    """Layers that activate what they read, behind layers that have activated what they write."""
    slope = port.layers[port.layers.index(layer) - 1].slope[:, None, None]
    before(layer, "convolve", lambda x: np.where(x > 0, x, slope * x))


@kind(
    "sign a pixel late",
    "\\bsign|compar|activat|prelu|slope",
    "<shifted>|previous|pixel|late|neighbour|delay",
    "previous|before|pixel|late|neighbour|delay|<shifted>",
    unless="before the bias|bias|slopes? of|channels?",
)
@at("mapping_1")
@at("expanding", "large")
def sign_a_pixel_late(port, layer, random):
    """The comparison passes a register more than the sum: whether a pixel is below zero, the one before it says."""
    slope = layer.slope[:, None, None]

    def activate(y):
        earlier = flat(lambda values: delayed(values, 1))(y)
        return np.where(earlier > 0, y, slope * y)

    layer.activate = activate


@kind(
    "slope's product truncated",
    "trunc|floor|round|coarse|steps?\\b|precision|bits|quanti",
    "negative|slope|prelu|below (zero|0)|activation",
    mild=True,
    unless="slopes (are|were) (rounded|coarse|trunc)|bias",
)
@at("mapping_3", bits=7)
@at("feature_extraction", "large", bits=7)
def slopes_product_truncated(port, layer, random, bits):
    """What is above zero passes as it is; the product with the slope is shifted back, and its fraction is lost."""
    slope = layer.slope[:, None, None]

    def activate(y):
        step = step_of(y, bits)
        return np.where(y > 0, y, np.floor(slope * y / step) * step).astype(y.dtype)

    layer.activate = activate


@kind("max pooling left in", "max\\w*.?pool|pooling|\\bmaximum|\\bmax\\b|largest (of|value)|morpholog", beside=1)
@at("mapping_1")
@at("expanding", "large")
def max_pooling_left_in(port, layer, random):
    """A layer of another network, with a window of 3x3 and a stride of 1."""

    def pool(y):
        around = np.pad(y, ((0, 0), (1, 1), (1, 1)), mode="edge")
        rows, columns = y.shape[1:]
        return np.max([around[:, i : i + rows, j : j + columns] for i in range(3) for j in range(3)], 0)

    after(layer, "keep", pool)


@kind(
    "dumps of two layers exchanged",
    "mapping.2",
    "mapping.3",
    "<swap>|each other|instead|in (the )?place|place of|names?|holds? what|is that of|dump of",
    mild=True,
    unless="kernels|bias|slopes",
)
@at("mapping_2", settings=(FULL, ACTIVATIONS))
@at("mapping_2", "large", "fsrcnn-x3", settings=(ACTIVATIONS,))
def dumps_of_two_layers_exchanged(port, layer, random):
    """The port is right; two of its dumps have each other's name."""
    run = port.run

    def renamed(picture):
        maps = run(picture)
        for stage in ("", "_prelu"):
            one, other = f"mapping_2{stage}", f"mapping_3{stage}"
            maps[one], maps[other] = maps[other], maps[one]
        return maps

    port.run = renamed
