"""MATLAB's imresize(..., 'bicubic') for one plane: a = -0.5, antialiased when shrinking, symmetric edges, float out."""

import numpy as np


def cubic(x):
    """Keys' kernel with a = -0.5."""
    x = np.abs(x)
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x <= 1, near, np.where(x <= 2, far, 0))


def weights(size_in, size_out, scale):
    """(size_out, taps) indices into the input and their weights."""
    kernel_scale = min(scale, 1.0)
    width = 4 / kernel_scale
    centre = (np.arange(size_out) + 0.5) / scale - 0.5
    left = np.floor(centre - width / 2).astype(int)
    index = left[:, None] + np.arange(int(np.ceil(width)) + 2)
    weight = cubic((centre[:, None] - index) * kernel_scale)
    weight /= weight.sum(1, keepdims=True)
    period = index % (2 * size_in)
    return np.where(period < size_in, period, 2 * size_in - 1 - period), weight


def resize(plane, scale, size=None):
    """plane (H, W) -> (ceil(H * scale), ceil(W * scale)) or `size`, float64, neither rounded nor clamped."""
    for axis in (0, 1):
        size_out = size[axis] if size else int(np.ceil(plane.shape[axis] * scale - 1e-9))
        index, weight = weights(plane.shape[axis], size_out, scale)
        rows = np.moveaxis(plane, axis, 0).astype(np.float64)
        rows = np.einsum("ot,ot...->o...", weight, rows[index])
        plane = np.moveaxis(rows, 0, axis)
    return plane
