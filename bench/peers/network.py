"""The network that every engine builds, its weights, and what it must give."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

import reference

MODEL = Path(__file__).resolve().parents[2] / "models" / "fsrcnn_x2.safetensors"
SCALE = 2
TAILS = ("deconvolution", "sub-pixel")


@dataclass
class Convolution:
    """A convolution of stride 1 that keeps the size, with the PReLU that follows it (slope None: none follows)."""

    weight: np.ndarray  # (out, in, k, k)
    bias: np.ndarray
    slope: np.ndarray | None

    @property
    def padding(self):
        return self.weight.shape[2] // 2


@dataclass
class Network:
    body: list  # of Convolution: all before the tail
    deconvolution_weight: np.ndarray  # (56, 1, 9, 9): stride SCALE, padding 4, output_padding SCALE - 1
    deconvolution_bias: np.ndarray
    subpixel: Convolution  # 56 -> SCALE^2, then depth to space: the same function as the deconvolution


def subpixel_convolution(weight, bias, scale):
    """Output pixel scale*y+r takes input y+j through row r+4-scale*j of the 9x9 kernel, so that the rows of one r are a
    kernel of their own, at most 5 high; likewise the columns. Output channel scale*r+c is the phase (r, c)."""
    channels, _, size, _ = weight.shape
    padding, reach = 4, 2
    result = np.zeros((scale * scale, channels, 2 * reach + 1, 2 * reach + 1), np.float32)
    for r in range(scale):
        for c in range(scale):
            for j in range(-reach, reach + 1):
                for i in range(-reach, reach + 1):
                    row, column = r + padding - scale * j, c + padding - scale * i
                    if 0 <= row < size and 0 <= column < size:
                        result[scale * r + c, :, j + reach, i + reach] = weight[:, 0, row, column]
    return Convolution(result, np.repeat(bias, scale * scale), None)


def load_network():
    tensors = load_file(MODEL)
    keys = ["first_part.0"] + [f"mid_part.{i}" for i in range(0, 12, 2)]
    activations = ["first_part.1"] + [f"mid_part.{i}" for i in range(1, 12, 2)]
    body = [
        Convolution(tensors[f"{key}.weight"], tensors[f"{key}.bias"], tensors[f"{activation}.weight"])
        for key, activation in zip(keys, activations)
    ]
    weight, bias = tensors["last_part.weight"], tensors["last_part.bias"]
    return Network(body, weight, bias, subpixel_convolution(weight, bias, SCALE))


def make_frame(width, height, amplitude=0.2):
    """(height, width) float32 in [0, 1]: waves from slow to fast with some noise, the same in every run. From an
    amplitude of 0.5 on they are cut off, and the network's output goes beyond [0, 1] at the edges."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    waves = 0.5 + amplitude * (np.sin(x * x / (4 * width)) + np.cos((x + 2 * y) / 37))
    return np.clip(waves + np.random.default_rng(1).normal(0, 0.02, waves.shape), 0, 1).astype(np.float32)


def clamped(output):
    """Some engines clamp what they give to [0, 1], the range of pictures, and some leave it to others."""
    return output.clip(0, 1)


def expected_output(frame, rows=135, halo=16):
    """What the network gives in float64, with the deconvolution as the paper has it. Strips of rows keep the memory
    small; the halo is more than the 8 rows that an output row depends on, so strips change nothing."""
    network = load_network()

    def run(strip):
        x = strip[None].astype(np.float64)
        for layer in network.body:
            x = reference.prelu(reference.conv2d(x, layer.weight, layer.bias, layer.padding), layer.slope)
        weight, bias = network.deconvolution_weight, network.deconvolution_bias
        return reference.conv_transpose2d(x, weight, bias, (SCALE, SCALE), (4, 4), (SCALE - 1, SCALE - 1))[0]

    strips = []
    for top in range(0, len(frame), rows):
        first = max(0, top - halo)
        strip = run(frame[first : top + rows + halo])
        strips.append(strip[SCALE * (top - first) :][: SCALE * min(rows, len(frame) - top)])
    return np.concatenate(strips)
