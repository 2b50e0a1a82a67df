"""Coarse numbers as right ports have them: rounded to the nearest, by scales that fit."""

import numpy as np


def bfloat16(values):
    """The upper half of a float32's bits, rounded to the nearest."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000).view(np.float32).astype(values.dtype)


def to_integers(map_, bits):
    """(words, scale, zero point) with value = (word - zero point) * scale, of words from 0 to 2^bits - 1."""
    low, high = min(map_.min(), 0), max(map_.max(), 0)
    scale = (high - low) / (2**bits - 1)
    zero = np.rint(-low / scale)
    return np.clip(np.rint(map_ / scale) + zero, 0, 2**bits - 1), scale, zero


def quantised_weights(port, by_channels):
    """Kernels rounded to int8 in [-127, 127], by a scale a tensor or an output channel; biases stay."""
    for layer in port.layers:
        axes = (0, 2, 3) if layer.slope is None else (1, 2, 3)  # the deconvolution's outputs are its second axis
        largest = np.abs(layer.kernel).max(axes if by_channels else None, keepdims=True)
        layer.kernel = np.rint(layer.kernel / largest * 127) * largest / 127
