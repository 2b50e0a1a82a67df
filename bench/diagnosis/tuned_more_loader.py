"""More mistakes of loading: kernels and biases. Of these kinds every case may be looked at."""

import numpy as np
from cases import NotHere, at, kind
from kit import halo, step_of


@kind("one tap twice", "tap|kernel|weight", "<twice>|<scale>|added", vague="kernel", unless="bias|slope")
@at("mapping_3", tap=(1, 1))
@at("feature_extraction", "large", tap=(0, 4))
def one_tap_twice(port, layer, random, tap):
    """Of the unrolled products one stands there twice."""
    layer.kernel[..., tap[0], tap[1]] *= 2


@kind(
    "kernel mirrored",
    "mirror|flip|revers|left.?right|upside|turned over|top.*bottom",
    vague="kernel",
    unless="180|transpos|bias|slope",
)
@at("mapping_1", axis=-1)
@at("feature_extraction", "large", axis=-2)
@at("deconvolution", axis=-2)
def kernel_mirrored(port, layer, random, axis):
    """Left and right (or top and bottom) of the window are exchanged; the other axis is right."""
    layer.kernel = np.flip(layer.kernel, axis)


@kind(
    "centre tap missing",
    "tap|kernel|weight",
    "centre|center|middle|\\b1, ?1\\b|\\b4, ?4\\b|row 1.*column 1|own pixel",
    "<missing>|<zero>|without",
    vague="kernel",
)
@at("mapping_4")
@at("deconvolution", "large")
def centre_tap_missing(port, layer, random):
    """A loop over neighbours, which the pixel itself is not."""
    middle = layer.kernel.shape[-1] // 2
    layer.kernel[..., middle, middle] = 0


@kind("weights in other byte order", "byte|endian", vague="kernel")
@at("mapping_3")
@at("shrinking", "large")
def weights_in_other_byte_order(port, layer, random):
    """Words of 16 bits, with the other byte first."""
    step = step_of(layer.kernel, 16)
    words = np.clip(np.rint(layer.kernel / step), -32768, 32767)
    layer.kernel = (words.astype("<i2").byteswap() * step).astype(layer.kernel.dtype)


@kind("weights without sign", "weight|kernel", "sign\\b|absolut|negative|unsigned|positive|two's|2\\^", vague="kernel")
@at("mapping_2", how="absolute")
@at("expanding", "large", how="unsigned")
def weights_without_sign(port, layer, random, how):
    """Bytes read as uint8_t, or sign and magnitude of which the sign is lost."""
    step = step_of(layer.kernel, 8)
    unsigned = np.where(layer.kernel < 0, layer.kernel + layer.kernel.dtype.type(256 * step), layer.kernel)
    layer.kernel = np.abs(layer.kernel) if how == "absolute" else unsigned


@kind("small weights zeroed", "weight|kernel|tap", "<zero>|prun|sparse|small|thresh", vague="kernel", unless="bias")
@at("mapping_2", part=0.1)
@at("deconvolution", "large", part=0.05)
def small_weights_zeroed(port, layer, random, part):
    """Pruned, and not trained again."""
    layer.kernel[np.abs(layer.kernel) < part * np.abs(layer.kernel).max()] = 0


@kind(
    "weights end too soon",
    "kernel|weight|file|channel",
    "<zero>|<missing>|too soon|short|truncat|not (loaded|read)",
    vague="kernel",
    unless="slope|bias is",
)
@at("mapping_3", part=0.7)
@at("expanding", "large", part=0.9)
def weights_end_too_soon(port, layer, random, part):
    """The file was not copied to its end; the rest of memory is 0."""
    values = layer.kernel.ravel().copy()
    values[int(part * values.size) :] = 0
    layer.kernel = values.reshape(layer.kernel.shape)


@kind(
    "decimals lost",
    "weight|kernel|bias alone|sum",
    "<zero>|<missing>|integer|decimal|trunc|round|comma|locale|constant|bias (alone|only)",
    vague="kernel",
)
@at("mapping_2")
@at("feature_extraction", "large")
def decimals_lost(port, layer, random):
    """strtod() where the decimal point is a comma: 0.25 is 0."""
    layer.kernel = np.trunc(layer.kernel)


@kind("exponents ignored", "exponent|mantissa|powers? of (10|ten)|10\\^", vague="kernel")
@at("mapping_1")
@at("shrinking", "large")
def exponents_ignored(port, layer, random):
    """A reader of text that stops at the e: 1.5e-02 is 1.5."""
    size = 10.0 ** np.floor(np.log10(np.abs(layer.kernel) + 1e-30))
    layer.kernel = (layer.kernel / size).astype(layer.kernel.dtype)


@kind(
    "weights with two decimals",
    "weight|kernel",
    "round|coarse|decimals|step|quanti|bits|precision|0\\.01\\b",
    mild=True,
    vague="kernel",
)
@at("mapping_2")
@at("shrinking", "large")
def weights_with_two_decimals(port, layer, random):
    """printf("%.2f")"""
    layer.kernel = np.round(layer.kernel, 2)


@kind(
    "kernels normalised",
    "kernel|weight",
    "normali[sz]|sums? (to|of|is)|<scale>.*(each|own|channel|every)|(each|own|channel|every).*<scale>",
    vague="kernel",
)
@at("mapping_1")
@at("feature_extraction", "large")
def kernels_normalised(port, layer, random):
    """A routine for filters of pictures, which makes the sizes of a kernel's taps sum to 1."""
    layer.kernel = layer.kernel / np.abs(layer.kernel).sum((1, 2, 3), keepdims=True)


@kind("kernels made separable", "separab|rank|outer product", vague="kernel")
@at("mapping_4")
@at("feature_extraction", "large")
def kernels_made_separable(port, layer, random):
    """A row's filter after a column's: of each kernel what one product of vectors can have."""
    left, size, right = np.linalg.svd(layer.kernel)
    layer.kernel = (left[..., :1] * size[..., None, :1]) @ right[..., :1, :]


@kind(
    "network of another scale",
    "model|network|weights|parameters|\\bset\\b",
    "x3|another|other (model|scale|network)",
    vague="kernel",
)
@at("feature_extraction")
@at("shrinking", "large")
def network_of_another_scale(port, layer, random):
    """From this layer on, the weights are those of the network for x3; all but the stride has the same shape."""
    other = port.beside("fsrcnn-x3")
    if (other.layers[0].kernel == port.layers[0].kernel).all():
        raise NotHere("there is no other network")
    for mine, theirs in zip(port.layers, other.layers, strict=True):
        if port.layers.index(mine) >= port.layers.index(layer):
            mine.kernel, mine.bias, mine.slope = theirs.kernel, theirs.bias, theirs.slope


@kind("one bias wrong", "bias", r"\b{channel}\b", "another|differ|wrong|instead|sign|negat|should|minus")
@at("mapping_1", channel=7)
@at("feature_extraction", "large", channel=33)
def one_bias_wrong(port, layer, random, channel):
    """A minus that was lost when a table was typed."""
    layer.bias[channel] = -layer.bias[channel]


@kind("bias per tap", "bias", "tap|each|every|{taps} times|times {taps}|<scale>|window", vague="bias")
@at("mapping_2", taps=9)
@at("feature_extraction", "large", taps=25)
def bias_per_tap(port, layer, random, taps):
    """The bias is added inside of the loop over the window."""
    layer.bias = taps * layer.bias


@kind("bias missing at the border", "bias", "<border>", "<missing>|<zero>|only inside|inner", vague="bias")
@at("mapping_3")
@at("feature_extraction", "large")
def bias_missing_at_the_border(port, layer, random):
    """Pixels of the border have a loop of their own, in which the bias was forgotten."""

    def add(y):
        around, z = halo(layer), y.copy()
        z[:, around:-around, around:-around] += layer.bias[:, None, None]
        return z

    layer.add_bias = add
