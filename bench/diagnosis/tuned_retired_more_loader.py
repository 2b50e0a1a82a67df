"""Mistakes of loading, of the second lot that was held out: kernels and biases."""

import numpy as np
from cases import at, kind
from kit import step_of
from port import correlate


@kind(
    "Winograd's last sign",
    "odd|every (second|other)|column|winograd|phase|pairs?",
    "sign|tap|kernel|winograd|negat|tile",
    unless="bias|slope|transpos|turned",
)
@at("mapping_2")
@at("mapping_4", "large")
def winograds_last_sign(port, layer, random):
    """F(2, 3) along rows, y1 = m2 - m3 + m4 for m2 - m3 - m4: each second column has (d1 - d3) * g2 the wrong way."""

    wrong = layer.kernel.copy()
    wrong[..., 0] += 2 * layer.kernel[..., 2]
    wrong[..., 2] *= -1

    def multiply(padded):
        y = correlate(padded, layer.kernel)
        y[:, :, 1::2] = correlate(padded, wrong)[:, :, 1::2]
        return y

    layer.multiply = multiply


@kind(
    "kernel cut to its middle",
    "kernel|tap|weight|window",
    "outer|ring|<border>|middle|centre|center|inner|{side}x{side}",
    also=((r"\(0, 0\), \(0, 1\), \(0, 2\), .*\(1, 0\), \(1, [248]\)", "<missing>|<zero>"),),
    vague="kernel",
    unless="bias|slope",
)
@at("feature_extraction", side=3)
@at("mapping_2", "large", side=1)
@at("deconvolution", side=7)
def kernel_cut_to_its_middle(port, layer, random, side):
    """A window of another layer's size: the kernel's outer taps are not there."""
    cut = (layer.kernel.shape[-1] - side) // 2
    inner = np.zeros_like(layer.kernel)
    inner[..., cut:-cut, cut:-cut] = layer.kernel[..., cut:-cut, cut:-cut]
    layer.kernel = inner


@kind(
    "kernel rows padded",
    "kernel|weight",
    "padd|pitch|stride|align|longer|zeros? (between|at|after)|<shifted>|distance|multiples? of 4",
    vague="kernel",
    unless="bias|slope",
)
@at("mapping_2")
@at("feature_extraction", "large")
def kernel_rows_padded(port, layer, random):
    """Rows of the window are padded to four values in the file, and read as if they were not."""
    side = layer.kernel.shape[-1]
    wide = np.pad(layer.kernel, ((0, 0), (0, 0), (0, 0), (0, -side % 4)))
    layer.kernel = wide.ravel()[: layer.kernel.size].reshape(layer.kernel.shape)


@kind(
    "kernels too close together",
    "kernel|weight",
    "<shifted>|distance|pitch|stride|overlap|pointer|address|begins?",
    vague="kernel",
    unless="bias|slope",
)
@at("mapping_1")
@at("deconvolution", "large")
def kernels_too_close_together(port, layer, random):
    """The pointer goes on by one weight too few from kernel to kernel."""
    side = layer.kernel.shape[-1]
    flat_kernel, taps = layer.kernel.ravel(), side * side
    count = layer.kernel.shape[0] * layer.kernel.shape[1]
    parts = [flat_kernel[n * (taps - 1) : n * (taps - 1) + taps] for n in range(count)]
    layer.kernel = np.concatenate(parts).reshape(layer.kernel.shape)


@kind(
    "weights times a power of two",
    "weight|kernel|product|sum",
    r"<scale>|shift|power|{factor} times|times {factor}\b",
    vague="kernel",
    unless="slope",
)
@at("mapping_1", factor=2)
@at("deconvolution", factor=0.25)
@at("shrinking", "large", factor=0.5)
def weights_times_a_power_of_two(port, layer, random, factor):
    """The weights' binary point is another than the loader thinks; biases are right."""
    layer.kernel = layer.kernel * layer.kernel.dtype.type(factor)


@kind(
    "weights of four bits",
    "weight|kernel",
    "round|coarse|bits|precision|step|quanti|int4|levels",
    mild=True,
    vague="kernel",
)
@at("mapping_4")
@at("feature_extraction", "large")
def weights_of_four_bits(port, layer, random):
    """Rounded to the nearest, in [-7, 7]."""
    step = np.abs(layer.kernel).max() / 7
    layer.kernel = np.rint(layer.kernel / step) * step


@kind(
    "layer of another epoch",
    "weight|kernel|parameter|\\bset\\b|model",
    "others?\\b|another|differ|not the|epoch|train|checkpoint|near|close",
    vague="kernel",
)
@at("mapping_2")
@at("deconvolution", "large")
def layer_of_another_epoch(port, layer, random):
    """The layer's files are some epochs older than the others: all numbers are nearly right."""

    def older(values):
        return (values + random.normal(0, 0.1 * np.abs(values).mean(), values.shape)).astype(values.dtype)

    layer.kernel, layer.bias = older(layer.kernel), older(layer.bias)
    if layer.slope is not None:
        layer.slope = older(layer.slope)


@kind(
    "one bias for all",
    "bias",
    "same|one bias|single|for all|shared|every channel|all channels have|that of the first channel in all",
    vague="bias",
)
@at("mapping_1")
@at("expanding", "large")
def one_bias_for_all(port, layer, random):
    layer.bias = np.full_like(layer.bias, layer.bias[0])


@kind("bias clipped", "bias", "satur|clip|clamp|limit|\\bcut\\b|range|127", vague="bias")
@at("mapping_3", part=0.4)
@at("shrinking", "large", part=0.4)
def bias_clipped(port, layer, random, part):
    """Biases in int8, of which the large ones do not fit."""
    limit = part * np.abs(layer.bias).max()
    layer.bias = np.clip(layer.bias, -limit, limit)


@kind("bias rounded coarsely", "bias", "round|coarse|bits|steps?\\b|quanti|precision|multiple", mild=True, vague="bias")
@at("mapping_2", bits=4)
@at("feature_extraction", "large", bits=4)
def bias_rounded_coarsely(port, layer, random, bits):
    """Biases have the step of the map's words."""
    step = step_of(layer.bias, bits)
    layer.bias = (np.rint(layer.bias / step) * step).astype(layer.bias.dtype)


@kind("biases end too soon", "bias", "<zero>|<missing>|but 0 in", "<last>|from|\\d+ of|\\b[4-9]\\b|1[01]", vague="bias")
@at("mapping_4", count=8)
@at("feature_extraction", "large", count=48)
def biases_end_too_soon(port, layer, random, count):
    """The loop that loads them counts whole vectors."""
    layer.bias[count:] = 0
