"""Layers by their definition, in float64 with numpy alone: what every engine is held against."""

import numpy as np


def conv2d(x, weight, bias, padding):
    """x (in, h, w), weight (out, in, k, k): stride 1, zeros around."""
    size = weight.shape[2]
    x = np.pad(x, ((0, 0), (padding, padding), (padding, padding)))
    height, width = (n - size + 1 for n in x.shape[1:])
    result = np.broadcast_to(bias[:, None, None], (len(weight), height, width)).astype(np.float64)
    for y in range(size):
        for k in range(size):
            result += np.tensordot(weight[:, :, y, k].astype(np.float64), x[:, y : y + height, k : k + width], 1)
    return result


def prelu(x, slope):
    return np.where(x >= 0, x, x * slope[:, None, None])


def conv_transpose2d(x, weight, bias, stride, padding, output_padding, groups=1):
    """x (in, h, w), weight (in, out / groups, kh, kw); the others (height, width). Each input pixel adds its product
    with the kernel to the output; `padding` rows and columns are cut off."""
    channels, height, width = x.shape
    outputs, kernel = weight.shape[1], weight.shape[2:]
    whole = [(n - 1) * s + k + o for n, s, k, o in zip((height, width), stride, kernel, output_padding)]
    result = np.zeros((groups * outputs, *whole))
    for g in range(groups):
        inputs = slice(g * channels // groups, (g + 1) * channels // groups)
        group = x[inputs].astype(np.float64)
        for y in range(kernel[0]):
            for k in range(kernel[1]):
                product = np.tensordot(weight[inputs, :, y, k].T.astype(np.float64), group, 1)
                rows = slice(y, y + (height - 1) * stride[0] + 1, stride[0])
                columns = slice(k, k + (width - 1) * stride[1] + 1, stride[1])
                result[g * outputs : (g + 1) * outputs, rows, columns] += product
    result = result[:, padding[0] : whole[0] - padding[0], padding[1] : whole[1] - padding[1]]
    return result + bias[:, None, None]
