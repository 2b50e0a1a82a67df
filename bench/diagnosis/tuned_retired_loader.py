"""Mistakes of loading, of the first lot that was held out: biases, weights, the picture."""

import numpy as np
from cases import at, kind
from kit import after


@kind("bias missing", "bias", "<missing>|<zero>", vague="bias")
@at("mapping_2")
@at("feature_extraction", "large")
@at("deconvolution")
def bias_missing(port, layer, random):
    layer.bias = np.zeros_like(layer.bias)


@kind("bias scaled", "bias", r"<scale>|shift|times|power|align|(by|of) {factor}\b", vague="bias")
@at("mapping_3", factor=4)
@at("shrinking", "large", factor=0.5)
def bias_scaled(port, layer, random, factor):
    """The bias has another binary point than the sum to which it is added."""
    layer.bias = layer.bias * layer.bias.dtype.type(factor)


@kind("bias in other byte order", "bias", "byte|endian", vague="bias")
@at("mapping_1")
@at("deconvolution", "large")
def bias_in_other_byte_order(port, layer, random):
    """16-bit words of the bias, read with the other byte first."""
    step = 2.0**-12
    layer.bias = (np.rint(layer.bias / step).astype("<i2").byteswap() * step).astype(layer.bias.dtype)


@kind("bias of another layer", "bias", "{source}|other layer|another layer", vague="bias")
@at("mapping_1", source="mapping.2")
@at("mapping_4", "large", source="shrinking")
def bias_of_another_layer(port, layer, random, source):
    layer.bias = port[source.replace(".", "_")].bias


@kind(
    "weights of another model",
    "weight|kernel|model|parameter|network",
    "other|another|differ|not the|training|wrong|stale",
    vague="kernel",
)
@at("mapping_2")
@at("feature_extraction", "large")
def weights_of_another_model(port, layer, random):
    """A file of an earlier training lies in the layer's place: kernels alike in size and not in pattern."""
    layer.kernel = random.normal(0, layer.kernel.std(), layer.kernel.shape).astype(layer.kernel.dtype)


@kind(
    "kernel channel scaled",
    "kernel|weight|channel",
    r"\b{channel}\b",
    "<scale>|{factor}|differ|wrong|other",
    vague="kernel",
)
@at("mapping_2", channel=3, factor=0.5)
@at("shrinking", "large", channel=9, factor=2)
def kernel_channel_scaled(port, layer, random, channel, factor):
    """Quantised by channels, of which one got another's scale; the bias is right."""
    layer.kernel[channel] *= factor


@kind("weights clipped", "weight|kernel", "clip|clamp|satur|limit|range|larg|cut|127|int8", vague="kernel")
@at("mapping_1", part=0.5)
@at("deconvolution", "large", part=0.5)
def weights_clipped(port, layer, random, part):
    """Weights that do not fit into their words are cut at the words' ends."""
    limit = part * np.abs(layer.kernel).max()
    layer.kernel = np.clip(layer.kernel, -limit, limit)


@kind(
    "kernel missing",
    "kernel|weight|channel|file",
    r"\b{first}\b",
    r"<missing>|<zero>|differ|wrong|other|not the one|stale"
    r"|kernel {first} {second} by -?(0\b(?!\.)|[\d.]+e-(0[5-9]|[1-9]\d))",
    vague="kernel",
)
@at("mapping_3", first=7, second=2)
@at("feature_extraction", first=12, second=0)
@at("deconvolution", "large", first=23, second=0)
def kernel_missing(port, layer, random, first, second):
    """One kernel[first, second] was never loaded."""
    layer.kernel[first, second] = 0


@kind("kernel turned", "turned|rotat|180|flip|convolution|mirror|revers", vague="kernel")
@at("mapping_2")
@at("feature_extraction", "large")
def kernel_turned(port, layer, random):
    """A convolution as mathematics (and MATLAB's conv2) has it."""
    layer.kernel = layer.kernel[..., ::-1, ::-1]


@kind("kernel rotated", "rotat|turn|90|quarter|transpos|flip", vague="kernel")
@at("mapping_4")
@at("feature_extraction", "large")
@at("deconvolution")
def kernel_rotated(port, layer, random):
    """By 90 degrees: stored from bottom to top, column by column."""
    layer.kernel = np.rot90(layer.kernel, axes=(-2, -1))


@kind("input plane", "input|picture|plane|luma|channel", "{plane}", vague="input")
@at("input", plane="green")
@at("input", "large", plane="red")
def input_plane(port, layer, random, plane):
    """One plane of the picture instead of its luma."""
    port.prepare = lambda _: port.rgb[..., ("red", "green", "blue").index(plane)][None].astype(port.dtype) / 255


@kind("input scaled", "input|picture|luma", r"<scale>|times|divid|255|256|(by|of) {factor}\b", vague="input")
@at("input", factor=255)
@at("input", "large", factor=0.5)
def input_scaled(port, layer, random, factor):
    """0 to 255 where 0 to 1 is expected; or shifted by one bit too many."""
    after(port, "prepare", lambda x: x * x.dtype.type(factor))
