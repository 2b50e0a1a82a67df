"""Right ports whose dumps or weights look otherwise. Of these kinds every case may be looked at."""

import numpy as np
from cases import ACTIVATIONS, ENDS, disguise
from coarse import bfloat16, quantised_weights, to_integers
from dumps import OUTPUT
from kit import by_tiles, halo, phases, step_of
from picture import write_png
from port import correlate


@disguise(
    "weights in bfloat16",
    {},
    {"setting": ENDS},
    bound=0.05,
    says=["weight|kernel|parameter", "bfloat|round|coarse|bits|precision|quanti|step"],
)
def weights_in_bfloat16(dressing):
    for layer in dressing.port.layers:
        layer.kernel, layer.bias = bfloat16(layer.kernel), bfloat16(layer.bias)
    dressing.save_all(dressing.maps())


@disguise(
    "weights in int8 by tensors",
    {},
    {"picture": "large"},
    bound=0.5,
    says=["weight|kernel|parameter", "int8|8.bit|round|coarse|bits|quanti|step"],
)
def weights_in_int8_by_tensors(dressing):
    quantised_weights(dressing.port, by_channels=False)
    dressing.save_all(dressing.maps())


@disguise(
    "maps in int8 with scale and zero point",
    {"setting": ACTIVATIONS},
    {"setting": ACTIVATIONS, "form": "integers"},
    bound=0.01,
)
def maps_with_scale_and_zero_point(dressing, form="values"):
    """Each map by its own range, as after calibration: real values of the steps, or the words themselves."""
    for name in dressing.wanted():
        words, scale, zero = to_integers(dressing.right[name], 8)
        means = (words - zero) * scale
        if form == "integers" and name != OUTPUT:
            dressing.save(name, words[None].astype(np.int16) - int(zero), means)
        else:
            dressing.save(name, means[None].astype(np.float32))


@disguise("integers times a power of two", {"bits": 12}, {"bits": 8}, {"bits": 10, "picture": "large"}, bound=0.02)
def integers_times_a_power_of_two(dressing, bits):
    """Fixed point, dumped as integers: value times 2^bits, rounded to the nearest."""
    dressing.save_all(
        change=lambda m: np.rint(m * 2**bits) / 2**bits, stored=lambda m: np.rint(m * 2**bits).astype(np.int32)
    )


@disguise("NHWC by shape", {}, {"picture": "large"}, bound=1e-6)
def nhwc_by_shape(dressing):
    for name in dressing.wanted():
        right = dressing.right[name]
        dressing.save(name, right.transpose(1, 2, 0)[None].astype(np.float32), right)


@disguise(
    "output in 8 bits",
    {"setting": ENDS},
    {"setting": ENDS, "picture": "large"},
    {"setting": ENDS, "network": "fsrcnn-x3"},
    bound=0.005,
)
def output_in_8_bits(dressing):
    """The picture that a port writes at the end, rounded to the nearest."""
    means = np.rint(dressing.right[OUTPUT] * 255) / 255
    dressing.check(OUTPUT, means)
    write_png(dressing.path(OUTPUT, ending=".png"), np.rint(means[0] * 255).astype(np.uint8))


@disguise("output in 16 bits", {"setting": ENDS}, {"setting": ENDS, "picture": "large"}, bound=2e-5)
def output_in_16_bits(dressing):
    means = np.rint(dressing.right[OUTPUT] * 65535) / 65535
    dressing.check(OUTPUT, means)
    write_png(dressing.path(OUTPUT, ending=".png"), np.rint(means[0] * 65535).astype(np.uint16))


@disguise("cropped output", {"by": 4, "setting": ENDS}, {"by": 1, "setting": ENDS}, bound=1e-6)
def cropped_output(dressing, by):
    """Benchmarks shave the borders off before they compare."""
    right = dressing.right[OUTPUT]
    dressing.check(OUTPUT, right)
    np.save(dressing.path(OUTPUT), right[None, :, by:-by, by:-by].astype(np.float32))


PLAIN = ("--edges", "pad", "--guard", "0")  # what the network computes, and no more


@disguise("own picture", {"setting": ENDS}, {"setting": ENDS, "picture": "large"}, bound=0.005)
def own_picture(dressing):
    """The program's own upscaled picture as the output."""
    dressing.reference = dressing.folder / "upscaled.png"
    dressing.program("upscale", dressing.picture, "-o", dressing.reference, "--model", dressing.network, *PLAIN)


@disguise("deconvolution by phases", {}, {"network": "fsrcnn-x3"}, bound=2e-6)
def deconvolution_by_phases(dressing):
    """Sub-pixel convolution: each phase of the output is a small convolution of the map; no zeros are multiplied."""
    layer = dressing.port["deconvolution"]
    scale, kernel, half = layer.stride, layer.kernel[:, 0].astype(np.float32), layer.kernel.shape[-1] // 2

    def convolve(x):
        _, rows, columns = x.shape
        x = np.pad(x.astype(np.float32), ((0, 0), (half, half), (half, half)))
        y = np.zeros((1, rows * scale, columns * scale), np.float32)
        for (row, column), phase in phases(y, scale).items():
            for ky in range((row + half) % scale, 2 * half + 1, scale):
                for kx in range((column + half) % scale, 2 * half + 1, scale):
                    top, left = half + (row + half - ky) // scale, half + (column + half - kx) // scale
                    phase += np.tensordot(kernel[:, ky, kx], x[:, top : top + rows, left : left + columns], 1)
        return y

    layer.convolve = convolve
    dressing.save_all(dressing.maps())


@disguise("float16 dumps", {}, {"setting": ACTIVATIONS, "picture": "large"}, {"setting": ENDS}, bound=1e-3)
def float16_dumps(dressing):
    dressing.save_all(change=lambda m: m.astype(np.float16).astype(float), stored=lambda m: m.astype(np.float16))


@disguise("few decimals", {"decimals": 3}, {"decimals": 4}, {"decimals": 6}, bound=0.01)
def few_decimals(dressing, decimals):
    """Text, one value a line, as printf("%.4f\\n") writes it."""
    for name in dressing.wanted():
        values = np.round(dressing.right[name], decimals)
        dressing.check(name, values)
        np.savetxt(dressing.path(name, ending=".txt"), values.reshape(-1, values.shape[-1]), fmt=f"%.{decimals}f")


@disguise("names by key", {}, bound=1e-6)
def names_by_key(dressing):
    """Features by the names of a state_dict's modules: mid_part.4 is what that convolution makes."""
    module = 0
    for layer in dressing.port.layers[:-1]:
        first = layer.name == "feature_extraction"
        for name, step in ((layer.name, 0), (layer.name + "_prelu", 1)):
            dressing.save(name, dressing.right[name][None].astype(np.float32))
            key = f"first_part.{step}" if first else f"mid_part.{module + step}"
            dressing.features[key] = dressing.path(name)
        module += 0 if first else 2
    dressing.save(OUTPUT, dressing.right[OUTPUT][None].astype(np.float32))


@disguise("big-endian npy", {}, bound=1e-6)
def big_endian_npy(dressing):
    dressing.save_all(stored=lambda m: m.astype(">f4"))


@disguise("Fortran npy", {}, bound=1e-6)
def fortran_npy(dressing):
    """NumPy keeps the order of an array's memory: what MATLAB's or Julia's packages write."""
    for name in dressing.wanted():
        dressing.save(name, np.asfortranarray(dressing.right[name][None].astype(np.float32)))


@disguise("no batch axis", {}, {"picture": "large"}, bound=1e-6)
def no_batch_axis(dressing):
    """(C, H, W), and the output (H, W)."""
    for name in dressing.wanted():
        right = dressing.right[name]
        dressing.save(name, right.astype(np.float32) if name != OUTPUT else right[0].astype(np.float32), right)


@disguise("kept before clamp", {"setting": ENDS}, {"setting": ENDS, "picture": "large"}, bound=0.02)
def kept_before_clamp(dressing):
    """Many ports clamp only when they write the picture: the output may lie outside of [0, 1]."""
    dressing.check(OUTPUT, np.clip(dressing.right["deconvolution"], 0, 1))
    np.save(dressing.path(OUTPUT), dressing.right["deconvolution"][None].astype(np.float32))


@disguise("picture as npy", {}, bound=1e-6)
def picture_as_npy(dressing):
    """The network's input as a dump."""
    dressing.input = str(dressing.folder / "luma.npy")
    np.save(dressing.input, dressing.right["input"][None].astype(np.float32))
    dressing.save_all()


@disguise("tiles with enough halo", {"size": 8}, {"size": 32, "picture": "large"}, bound=2e-6)
def tiles_with_enough_halo(dressing, size):
    """Each layer tile by tile, with all the neighbours that it sees."""
    for layer in dressing.port.layers:
        by_tiles(layer, size, size, keep_halo=halo(layer))
    dressing.save_all(dressing.maps())


@disguise("convolution by Winograd", {}, {"picture": "large"}, bound=5e-6)
def convolution_by_winograd(dressing):
    """F(2, 3) along rows, in float32: 4 products for 6."""

    def multiply(padded, g):
        d = padded.astype(np.float32)
        even, one = d[:, :, 0:-2:2], d[:, :, 1:-2:2]
        two, three = d[:, :, 2::2], d[:, :, 3::2]
        m1 = correlate(even - two, g[..., :1])
        m2 = correlate(one + two, (g[..., :1] + g[..., 1:2] + g[..., 2:]) / 2)
        m3 = correlate(two - one, (g[..., :1] - g[..., 1:2] + g[..., 2:]) / 2)
        m4 = correlate(one - three, g[..., 2:])
        return np.stack([m1 + m2 + m3, m2 - m3 - m4], -1).reshape(len(g), len(d[0]) - 2, -1)

    for layer in dressing.port.layers:
        if layer.kernel.shape[-1] == 3:
            layer.multiply = lambda padded, g=layer.kernel.astype(np.float32): multiply(padded, g)
    dressing.save_all(dressing.maps())


@disguise("convolution by Fourier transforms", {}, bound=2e-6)
def convolution_by_fourier_transforms(dressing):
    """Products of transforms, of a canvas that is large enough."""

    def multiply(padded, kernel):
        size, side = padded.shape[1:], kernel.shape[-1]
        seen = np.fft.rfft2(padded)
        turned = np.fft.rfft2(kernel[..., ::-1, ::-1], size)
        y = np.fft.irfft2((turned * seen).sum(1), size)
        return y[:, side - 1 :, side - 1 :]

    for layer in dressing.port.layers[:-1]:
        layer.multiply = lambda padded, kernel=layer.kernel: multiply(padded, kernel)
    dressing.save_all(dressing.maps())


@disguise("raw float32", {}, {"picture": "large"}, bound=1e-6)
def raw_float32(dressing):
    """fwrite() of floats, without a word on their shape."""
    for name in dressing.wanted():
        right = dressing.right[name].astype("<f4")
        dressing.check(name, right)
        right.tofile(dressing.path(name, ending=".bin"))


@disguise(
    "weights in 12 bits",
    {},
    {"setting": ACTIVATIONS},
    bound=0.05,
    says=["weight|kernel|parameter", "12.bit|round|coarse|bits|precision|quanti|step"],
)
def weights_in_12_bits(dressing):
    """Fixed point, each layer by a power of two that fits, rounded to the nearest."""
    for layer in dressing.port.layers:
        step = step_of(layer.kernel, 12)
        layer.kernel = np.rint(layer.kernel / step) * step
    dressing.save_all(dressing.maps())
