"""Mistakes of channels and activations, of the third lot that was held out: lanes, textures."""

import numpy as np
from cases import at, kind
from kit import after, before


@kind(
    "alpha is one",
    "<channel>|alpha",
    "fourth|alpha|\\b3, 7|every 4|each 4|of 4|of four",
    "constant|\\b1\\b|one\\b|white|opaque|same everywhere",
    beside=1,
    unless="kernels|slope|bias is",
)
@at("mapping_2")
@at("expanding", "large")
def alpha_is_one(port, layer, random):
    """Four channels a texture whose format has no alpha: the fourth of each is read as 1."""

    def opaque(y):
        y = y.copy()
        y[3::4] = 1
        return y

    after(layer, "keep", opaque)


@kind(
    "alpha multiplied in",
    "<channel>|alpha|lanes?",
    "premulti|alpha|fourth|product|multipli\\w+ (by|with)|times (channel|the)|each other",
    beside=1,
    unless="kernels|slope|bias is",
)
@at("mapping_1")
@at("shrinking", "large")
def alpha_multiplied_in(port, layer, random):
    """Premultiplied alpha: of four channels in a texture, three are multiplied by the fourth."""

    def multiply(y):
        four = y.reshape(-1, 4, *y.shape[1:]).copy()
        four[:, :3] *= four[:, 3:]
        return four.reshape(y.shape)

    after(layer, "keep", multiply)


@kind(
    "input channels wrap around",
    "<channel>|input|kernel",
    "wrap|modulo|again|<twice>|instead|in (the )?place|repeat|same|copy|reads|holds what|<replicate>|first {count}",
    "\\b{count}\\b|wrap|modulo|first (channels|ones)",
    also=((r"channel {count} is multiplied by is used at 0\b", r"is multiplied by is used at 3\b"),),
    vague="kernel",
    unless="bias|slope",
)
@at("mapping_1", count=8)
@at("deconvolution", "large", count=32)
def input_channels_wrap_around(port, layer, random, count):
    """The channel's counter has a bit too few: behind the last number it can hold come the first channels again."""
    before(layer, "convolve", lambda x: x[np.arange(len(x)) % count])


@kind(
    "a lane's sum lost",
    "<channel>|lane|kernel|input",
    "<zero>|<missing>|only|ignor",
    "fourth|every|each|lane|of (4|four)|\\b{lane}, \\d|\\d+ of (the )?(its )?\\d+ (input|channel)",
    vague="kernel",
    unless="bias|slope",
)
@at("mapping_3", lane=3)
@at("shrinking", "large", lane=0)
def a_lanes_sum_lost(port, layer, random, lane):
    """Four sums in a vector, of which the horizontal addition leaves one out."""

    def lose(x):
        x = x.copy()
        x[lane::4] = 0
        return x

    before(layer, "convolve", lose)


@kind(
    "biases of the first four for all",
    "bias",
    "first (4|four)|modulo|repeat|wrap|every (4|four)|each (4|four)|period|% ?4|again|of (4|four)|begin anew",
    vague="bias",
)
@at("mapping_3")
@at("feature_extraction", "large")
def biases_of_the_first_four(port, layer, random):
    """A shader's vec4 of biases, set once and not for each group of four channels."""
    layer.bias = layer.bias[np.arange(len(layer.bias)) % 4]


@kind("GELU for PReLU", "gelu|gauss")
@at("mapping_2")
@at("expanding", "large")
def gelu_for_prelu(port, layer, random):
    layer.activate = lambda y: y / 2 * (1 + np.tanh(0.7978845608 * (y + 0.044715 * y**3)))


@kind("hyperbolic tangent at the end", "tanh|hyperbolic|tangent")
@at("deconvolution")
@at("deconvolution", "large", "fsrcnn-x3")
def hyperbolic_tangent_at_the_end(port, layer, random):
    """The habit of generators."""
    layer.activate = np.tanh


@kind(
    "expanding tied to shrinking",
    "weight|kernel|parameter",
    "shrinking|tied|another layer|other layer",
    vague="kernel",
)
@at("expanding")
@at("expanding", "large", "fsrcnn-x3")
def expanding_tied_to_shrinking(port, layer, random):
    """As in an autoencoder, the way back has the way in's weights, transposed."""
    layer.kernel = port["shrinking"].kernel.swapaxes(0, 1).copy()
