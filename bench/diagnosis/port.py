"""FSRCNN in plain NumPy: a port as people write it, and the one into which mistakes are planted.

A feature map is an array (channels, rows, columns). A layer is an object whose stages are methods, in this order:

    read -> pad -> multiply -> add_bias -> activate -> keep

`read` is what the layer takes of the map before it, `keep` what memory has of its own map afterwards. A mistake
replaces one stage of one layer (`layer.pad = lambda x: ...`), or its numbers (kernel, bias, slope); all else is right.
"""

import numpy as np


class Convolution:
    """out = PReLU(conv2d(x, kernel, padding=k//2) + bias); kernel (out, in, k, k), bias and slope (out)."""

    stride = 1

    def __init__(self, name, kernel, bias, slope):
        self.name, self.kernel, self.bias, self.slope = name, kernel, bias, slope

    def read(self, x):
        return x

    def pad(self, x):
        around = self.kernel.shape[-1] // 2
        return np.pad(x, ((0, 0), (around, around), (around, around)))

    def multiply(self, padded):
        return correlate(padded, self.kernel)

    def convolve(self, x):
        """Products without the bias: where tiles, strips and line buffers are cut."""
        return self.multiply(self.pad(x))

    def add_bias(self, y):
        return y + self.bias[:, None, None]

    def activate(self, y):
        slope = self.slope[:, None, None]
        return np.where(y > 0, y, slope * y)

    def keep(self, y):
        return y

    def run(self, x):
        """(map before the activation, map that the next layer reads)"""
        linear = self.add_bias(self.convolve(self.read(x)))
        return linear, self.keep(self.activate(linear))


class Deconvolution(Convolution):
    """out = clamp(conv_transpose2d(x, kernel, stride, padding=k//2, output_padding=stride-1) + bias).

    kernel (in, 1, k, k), as PyTorch has it. Each pixel of x throws its kernel, times its value, onto the output;
    `multiply` does so on a canvas that holds all of it, of which `crop` takes the picture.
    """

    def __init__(self, name, kernel, bias, stride):
        super().__init__(name, kernel, bias, None)
        self.stride = stride

    def multiply(self, x):
        side = self.kernel.shape[-1]
        taps = np.tensordot(self.kernel[:, 0], x, axes=(0, 0))  # (k, k, rows, columns)
        rows, columns = x.shape[1:]
        canvas = np.zeros(((rows + 1) * self.stride + side, (columns + 1) * self.stride + side), x.dtype)
        for ky in range(side):
            for kx in range(side):
                at_rows = slice(ky, ky + rows * self.stride, self.stride)
                canvas[at_rows, kx : kx + columns * self.stride : self.stride] += taps[ky, kx]
        return canvas[None]

    def crop(self, canvas, rows, columns):
        first = self.kernel.shape[-1] // 2
        return canvas[:, first : first + rows * self.stride, first : first + columns * self.stride]

    def convolve(self, x):
        return self.crop(self.multiply(x), *x.shape[1:])

    def activate(self, y):
        return np.clip(y, 0, 1)


def correlate(padded, kernel):
    """(in, rows, columns) with kernel (out, in, k, k): (out, rows-k+1, columns-k+1), one product of matrices a tap."""
    outputs, _, height, width = kernel.shape
    rows, columns = padded.shape[1] - height + 1, padded.shape[2] - width + 1
    y = np.zeros((outputs, rows * columns), np.result_type(padded, kernel))
    for ky in range(height):
        for kx in range(width):
            seen = padded[:, ky : ky + rows, kx : kx + columns].reshape(len(padded), -1)
            y += kernel[:, :, ky, kx] @ seen
    return y.reshape(outputs, rows, columns)


class Port:
    """The layers of a network, ready to be run or spoilt."""

    def __init__(self, tensors, stride, dtype=np.float32):
        """tensors: a state_dict's arrays in order: (kernel, bias, slope) of each layer, (kernel, bias) of the last."""
        arrays = [np.array(a, dtype) for a in tensors.values()]
        mappings = (len(arrays) - 2) // 3 - 3
        names = ["feature_extraction", "shrinking", *(f"mapping_{i + 1}" for i in range(mappings)), "expanding"]
        self.layers = [Convolution(n, *arrays[3 * i : 3 * i + 3]) for i, n in enumerate(names)]
        self.layers.append(Deconvolution("deconvolution", *arrays[-2:], stride))
        self.dtype = dtype

    def __getitem__(self, name):
        return next(layer for layer in self.layers if layer.name == name)

    def __contains__(self, name):
        return any(layer.name == name for layer in self.layers)

    def prepare(self, luma):
        """What is read as the network's input; luma (rows, columns) in [0, 1]."""
        return luma[None].astype(self.dtype)

    def run(self, luma):
        """{dump's name: map}, of each layer before and after its activation, in order; the last is the output."""
        maps, x = {}, self.prepare(luma)
        maps["input"] = x
        for layer in self.layers:
            maps[layer.name], x = layer.run(x)
            maps[layer.name + ("_clamp" if layer.slope is None else "_prelu")] = x
        return maps
