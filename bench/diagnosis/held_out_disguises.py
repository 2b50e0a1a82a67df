# HELD OUT. If you improve `fsrcnn diagnose`, please do not read this file, nor the cases it makes: what is measured
# with them is worth something as long as nobody has fitted the program to it.

"""Held-out right ports whose dumps or weights look otherwise."""

import json

import numpy as np
from cases import ACTIVATIONS, ENDS, disguise
from coarse import to_integers
from dumps import OUTPUT
from picture import write_png


@disguise("dumps in one archive", {}, {"setting": ACTIVATIONS, "picture": "large"}, bound=1e-6)
def dumps_in_one_archive(dressing):
    """numpy.savez() of all maps, by trace's names."""
    arrays = {}
    for name in dressing.wanted()[:-1]:
        arrays[dressing.names[name]] = dressing.right[name][None].astype(np.float32)
        dressing.check(name, arrays[dressing.names[name]][0])
    np.savez(dressing.folder / "dumps.npz", **arrays)
    dressing.more = ["--feature", str(dressing.folder / "dumps.npz")]
    dressing.save(OUTPUT, dressing.right[OUTPUT][None].astype(np.float32))


@disguise("comma-separated text", {}, {"setting": ENDS, "picture": "large"}, bound=1e-6)
def comma_separated_text(dressing):
    """A row of a channel in each line, as a spreadsheet reads it."""
    for name in dressing.wanted():
        right = dressing.right[name]
        dressing.check(name, right)
        rows = right.reshape(-1, right.shape[-1])
        np.savetxt(dressing.path(name, ending=".csv"), rows, fmt="%.8g", delimiter=",")


def words_of_16_bits(dressing, name):
    """The map times 2^12 in two's complement, which must stand for it."""
    words = np.rint(dressing.right[name] * 2**12).astype("<i2")
    dressing.check(name, words / 2.0**12)
    return words


@disguise("hexadecimal words", {}, {"setting": ACTIVATIONS}, bound=0.01)
def hexadecimal_words(dressing):
    """Four digits a line, as $writememh writes fixed point with 12 bits of fraction."""
    for name in dressing.wanted():
        lines = [f"{word:04x}" for word in words_of_16_bits(dressing, name).view(np.uint16).ravel()]
        dressing.path(name, ending=".hex").write_text("\n".join(lines) + "\n")


@disguise("raw words of 16 bits", {}, {"setting": ENDS, "picture": "large"}, bound=0.01)
def raw_words_of_16_bits(dressing):
    """fwrite() of int16_t, fixed point with 12 bits of fraction."""
    for name in dressing.wanted():
        words_of_16_bits(dressing, name).tofile(dressing.path(name, ending=".bin"))


@disguise(
    "weights in int8 by kernels",
    {},
    {"setting": ENDS, "network": "fsrcnn-x3"},
    bound=0.15,
    says=["weight|kernel|parameter", "int8|8.bit|round|coarse|bits|quanti|step"],
)
def weights_in_int8_by_kernels(dressing):
    """Each kernel[output, input] by a step of its own, which is exact where kernels have one tap."""
    for layer in dressing.port.layers:
        largest = np.abs(layer.kernel).max((2, 3), keepdims=True)
        layer.kernel = np.rint(layer.kernel / largest * 127) * largest / 127
    dressing.save_all(dressing.maps())


@disguise(
    "weights in 16 bits",
    {},
    {"picture": "large"},
    bound=0.005,
    says=["weight|kernel|parameter|bias|slope", "16.bit|round|coarse|bits|precision|quanti|step"],
)
def weights_in_16_bits(dressing):
    """Every tensor in [-32767, 32767], slopes and biases as well."""
    for layer in dressing.port.layers:
        for what in ("kernel", "bias", "slope"):
            values = getattr(layer, what)
            if values is not None:
                step = np.abs(values).max() / 32767
                setattr(layer, what, np.rint(values / step) * step)
    dressing.save_all(dressing.maps())


@disguise(
    "all in half precision",
    {},
    {"setting": ACTIVATIONS, "picture": "large"},
    bound=0.02,
    says=["weight|kernel|parameter|map|value|dump|number", "float16|half|round|coarse|bits|precision|quanti|step"],
)
def all_in_half_precision(dressing):
    """model.half(): weights and maps in float16, sums in float32."""

    def half(values):
        return values.astype(np.float16).astype(float)

    for layer in dressing.port.layers:
        layer.kernel, layer.bias, layer.keep = half(layer.kernel), half(layer.bias), half
        if layer.slope is not None:
            layer.slope = half(layer.slope)
    dressing.save_all(dressing.maps(), change=half, stored=lambda m: m.astype(np.float16))


@disguise("output as bytes in npy", {"setting": ENDS}, {"setting": ENDS, "network": "fsrcnn-x4"}, bound=0.005)
def output_as_bytes_in_npy(dressing):
    """The bytes of the picture, rounded to the nearest, without a picture's file."""
    words = np.rint(dressing.right[OUTPUT] * 255).astype(np.uint8)
    dressing.save(OUTPUT, words[None], words / 255)


@disguise("output from 0 to 255", {"setting": ENDS}, {"picture": "large"}, bound=1e-6, says=["\\b255\\b"])
def output_from_0_to_255(dressing):
    """Multiplied by 255 for the file of a picture, and dumped before it is rounded."""
    dressing.save_all()
    dressing.save(OUTPUT, (dressing.right[OUTPUT][None] * 255).astype(np.float32), dressing.right[OUTPUT])


def words_with_zero_points(dressing):
    """Activations as uint8, each map by its own range: {name: (scale, zero point)}; the output is a float's."""
    scales = {}
    for name in dressing.wanted()[:-1]:
        words, scale, zero = to_integers(dressing.right[name], 8)
        dressing.save(name, words[None].astype(np.uint8), (words - zero) * scale)
        scales[name.removesuffix("_prelu").replace("_", " ")] = scale, int(zero)
    dressing.save(OUTPUT, dressing.right[OUTPUT][None].astype(np.float32))
    return scales


@disguise("bytes with a zero point", {"setting": ACTIVATIONS}, {"setting": ACTIVATIONS, "picture": "large"}, bound=0.01)
def bytes_with_a_zero_point(dressing):
    """Asymmetric int8, the words as they lie in memory."""
    words_with_zero_points(dressing)


@disguise("bytes with scales given", {"setting": ACTIVATIONS}, bound=0.01)
def bytes_with_scales_given(dressing):
    """The same, and a file that says what the words mean."""
    scales = {
        name: {"scale": scale, "zero_point": zero, "type": "uint8"}
        for name, (scale, zero) in words_with_zero_points(dressing).items()
    }
    (dressing.folder / "scales.json").write_text(json.dumps(scales))
    dressing.more = ["--scales", str(dressing.folder / "scales.json")]


@disguise("Winograd's tiles of four", {}, {"picture": "large"}, bound=2e-5)
def winograds_tiles_of_four(dressing):
    """F(4x4, 3x3) in float32: 36 products for 144, and sums that are less exact."""
    to_tile = np.array(
        [[4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0]]
        + [[0, -2, -1, 2, 1, 0], [0, 2, -1, -2, 1, 0], [0, 4, 0, -5, 0, 1]],
        np.float32,
    )
    to_kernel = np.array(
        [[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]],
        np.float32,
    ) / np.float32(24)
    back = np.array([[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]], np.float32)

    def multiply(padded, kernels):
        padded = padded.astype(np.float32)
        rows, columns = padded.shape[1] // 4, padded.shape[2] // 4
        tiles = np.empty((len(padded), rows, columns, 6, 6), np.float32)
        for i in range(6):
            for j in range(6):
                tiles[..., i, j] = padded[:, i : i + 4 * rows : 4, j : j + 4 * columns : 4][:, :rows, :columns]
        y = back @ np.einsum("ocij,cyxij->oyxij", kernels, to_tile @ tiles @ to_tile.T) @ back.T
        return y.transpose(0, 1, 3, 2, 4).reshape(len(kernels), 4 * rows, 4 * columns)

    for layer in dressing.port.layers:
        if layer.kernel.shape[-1] == 3:
            kernels = to_kernel @ layer.kernel.astype(np.float32) @ to_kernel.T
            layer.multiply = lambda padded, kernels=kernels: multiply(padded, kernels)
    dressing.save_all(dressing.maps())


@disguise("sums by trees", {}, {"setting": ENDS, "network": "fsrcnn-x3"}, bound=2e-6)
def sums_by_trees(dressing):
    """Products in float32 are added two by two, and these sums two by two, as adders on a chip are connected."""

    def multiply(padded, kernel):
        side, padded = kernel.shape[-1], padded.astype(np.float32)
        rows, columns = padded.shape[1] - side + 1, padded.shape[2] - side + 1
        seen = np.stack([padded[:, i : i + rows, j : j + columns] for i in range(side) for j in range(side)], 1)
        y = []
        for weights in kernel.astype(np.float32):
            sums = (seen * weights.reshape(len(padded), -1, 1, 1)).reshape(-1, rows, columns)
            while len(sums) > 1:
                sums = np.concatenate([sums[: len(sums) // 2 * 2 : 2] + sums[1::2], sums[len(sums) // 2 * 2 :]])
            y.append(sums[0])
        return np.stack(y)

    for layer in dressing.port.layers[:-1]:
        layer.multiply = lambda padded, kernel=layer.kernel: multiply(padded, kernel)
    dressing.save_all(dressing.maps())


@disguise("maps with their padding", {"setting": ACTIVATIONS}, bound=1e-6)
def maps_with_their_padding(dressing):
    """Buffers that have the next layer's margin of zeros, one pixel, dumped as a whole."""
    for name in dressing.wanted()[:-1]:
        right = dressing.right[name]
        dressing.check(name, right)
        np.save(dressing.path(name), np.pad(right[None], ((0, 0), (0, 0), (1, 1), (1, 1))).astype(np.float32))
    dressing.save(OUTPUT, dressing.right[OUTPUT][None].astype(np.float32))


@disguise("picture in 16 bits", {}, {"setting": ENDS, "picture": "large"}, bound=1e-6)
def picture_in_16_bits(dressing):
    """The same colours in a PNG of 16 bits: bytes times 257."""
    dressing.input = str(dressing.folder / "picture.png")
    write_png(dressing.input, dressing.port.rgb.astype(np.uint16) * 257)
    dressing.save_all()


@disguise("sums alone", {}, {"picture": "large", "network": "fsrcnn-x3"}, bound=1e-6)
def sums_alone(dressing):
    """Dumps before the activation, and none behind it."""
    for name in dressing.wanted():
        if not name.endswith("_prelu"):
            dressing.save(name, dressing.right[name][None].astype(np.float32))


@disguise("dumps of several kinds", {}, bound=1e-3)
def dumps_of_several_kinds(dressing):
    """One was written with NumPy, one by hand, one by a simulator."""
    for index, name in enumerate(dressing.wanted()):
        right = dressing.right[name]
        if index % 4 == 0:
            dressing.check(name, right)
            np.savetxt(dressing.path(name, ending=".txt"), right.ravel(), fmt="%.7e")
        elif index % 4 == 1:
            dressing.check(name, right)
            right.astype("<f4").tofile(dressing.path(name, ending=".bin"))
        else:
            kept = right.astype(np.float16 if index % 4 == 2 else float)
            dressing.save(name, kept[None], kept.astype(float))


@disguise("flattened npy", {}, {"setting": ACTIVATIONS, "picture": "large"}, bound=1e-6)
def flattened_npy(dressing):
    """ravel(), for a test bench that compares lists."""
    for name in dressing.wanted():
        dressing.save(name, dressing.right[name].ravel().astype(np.float32), dressing.right[name])


@disguise("raw floats, channels last", {}, bound=1e-6, says=["nhwc|hwc|channels? last|layout|interleav"])
def raw_floats_channels_last(dressing):
    """fwrite() of channels that lie side by side: no file says so, and whoever names the layout is right, too."""
    for name in dressing.wanted():
        right = dressing.right[name]
        dressing.check(name, right)
        right.transpose(1, 2, 0).astype("<f4").tofile(dressing.path(name, ending=".bin"))


@disguise("equalised channels", {"setting": ENDS}, {"setting": ENDS, "picture": "large"}, bound=1e-6)
def equalised_channels(dressing):
    """Each channel is made as large as the others, and the next layer's kernels as much smaller: for int8 to come."""
    for layer, reader in zip(dressing.port.layers[:-1], dressing.port.layers[1:], strict=True):
        factor = 1 / np.abs(layer.kernel).max((1, 2, 3))
        layer.kernel, layer.bias = layer.kernel * factor[:, None, None, None], layer.bias * factor
        shape = (1, -1, 1, 1) if reader.slope is not None else (-1, 1, 1, 1)
        reader.kernel = reader.kernel / factor.reshape(shape)
    dressing.save_all(dressing.maps())


@disguise("mid and preds alone", {"setting": ACTIVATIONS}, bound=1e-6)
def mid_and_preds_alone(dressing):
    """The two names of a forward() that returns its last map beside the output."""
    dressing.save("expanding_prelu", dressing.right["expanding_prelu"][None].astype(np.float32))
    dressing.features["mid"] = dressing.path("expanding_prelu")
    dressing.save(OUTPUT, dressing.right[OUTPUT][None].astype(np.float32))
