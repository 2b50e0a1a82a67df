"""Transposed convolutions of real networks, and what they must give."""

from dataclasses import dataclass

import numpy as np

import reference


@dataclass(frozen=True)
class ConvTranspose:
    """PyTorch's conv_transpose2d of one picture; pairs are (height, width)."""

    network: str
    in_channels: int
    out_channels: int
    size: tuple
    kernel: tuple
    stride: tuple
    padding: tuple
    output_padding: tuple = (0, 0)
    groups: int = 1

    @property
    def output_shape(self):
        height, width = (
            (n - 1) * s - 2 * p + k + o
            for n, s, p, k, o in zip(self.size, self.stride, self.padding, self.kernel, self.output_padding)
        )
        return 1, self.out_channels, height, width

    @property
    def multiply_adds(self):
        per_pixel = self.in_channels * self.out_channels // self.groups * self.kernel[0] * self.kernel[1]
        return per_pixel * self.size[0] * self.size[1]

    def describe(self):
        def pair(values):
            return str(values[0]) if values[0] == values[1] else f"{values[0]}x{values[1]}"

        text = f"{self.in_channels}→{self.out_channels}, {self.size[0]}x{self.size[1]}"
        text += f", k{pair(self.kernel)} s{pair(self.stride)} p{pair(self.padding)}"
        if any(self.output_padding):
            text += f" op{pair(self.output_padding)}"
        return text + (f" groups {self.groups}" if self.groups > 1 else "")

    def operands(self):
        """Input (1, in, h, w), weight (in, out / groups, kh, kw) and bias (out); the same in every process. The weights
        are scaled so that outputs are about 1, and an absolute tolerance means the same for every shape."""
        generator = np.random.default_rng(1)
        taps = self.in_channels // self.groups * self.kernel[0] * self.kernel[1] / (self.stride[0] * self.stride[1])
        weight = generator.standard_normal(
            (self.in_channels, self.out_channels // self.groups, *self.kernel), np.float32
        )
        x = generator.standard_normal((1, self.in_channels, *self.size), np.float32)
        bias = generator.standard_normal(self.out_channels, np.float32)
        return x, weight * np.float32(max(taps, 1) ** -0.5), bias


def square(network, in_channels, out_channels, size, kernel, stride, padding, output_padding=0, groups=1):
    """Everything the same in height and width but, if it is a pair, the size."""
    size = size if isinstance(size, tuple) else (size, size)
    pairs = [(n, n) for n in (kernel, stride, padding, output_padding)]
    return ConvTranspose(network, in_channels, out_channels, size, *pairs, groups)


def row(network, in_channels, out_channels, width, kernel, stride, padding):
    """A transposed convolution in one dimension, as a picture of height 1."""
    return ConvTranspose(network, in_channels, out_channels, (1, width), (1, kernel), (1, stride), (0, padding))


SHAPES = [
    square("DCGAN", 100, 512, 1, 4, 1, 0),
    square("DCGAN", 512, 256, 4, 4, 2, 1),
    square("DCGAN", 256, 128, 8, 4, 2, 1),
    square("DCGAN", 128, 64, 16, 4, 2, 1),
    square("DCGAN", 64, 3, 32, 4, 2, 1),
    square("U-Net", 1024, 512, 32, 2, 2, 0),
    square("U-Net", 512, 256, 64, 2, 2, 0),
    square("U-Net", 256, 128, 128, 2, 2, 0),
    square("U-Net", 128, 64, 256, 2, 2, 0),
    square("pix2pix", 512, 512, 1, 4, 2, 1),
    square("pix2pix", 1024, 512, 8, 4, 2, 1),
    square("pix2pix", 1024, 256, 16, 4, 2, 1),
    square("pix2pix", 512, 128, 32, 4, 2, 1),
    square("pix2pix", 256, 64, 64, 4, 2, 1),
    square("pix2pix", 128, 3, 128, 4, 2, 1),
    square("FCN-32s", 21, 21, 16, 64, 32, 16),
    square("FCN-32s", 21, 21, 16, 64, 32, 16, groups=21),
    square("FCN-16s", 21, 21, 16, 4, 2, 1),
    square("FCN-16s", 21, 21, 32, 32, 16, 8),
    square("FCN-8s", 21, 21, 32, 4, 2, 1, groups=21),
    square("FCN-8s", 21, 21, 64, 16, 8, 4),
    square("FCN-8s", 21, 21, 64, 16, 8, 4, groups=21),
    square("VAE decoder", 256, 128, 8, 3, 2, 1, 1),
    square("VAE decoder", 128, 64, 16, 3, 2, 1, 1),
    square("VAE decoder", 64, 32, 32, 3, 2, 1, 1),
    row("HiFi-GAN", 512, 256, 100, 16, 8, 4),
    row("HiFi-GAN", 256, 128, 800, 16, 8, 4),
    row("HiFi-GAN", 128, 64, 6400, 4, 2, 1),
    row("HiFi-GAN", 64, 32, 12800, 4, 2, 1),
    square("FSRCNN x2", 56, 1, (540, 960), 9, 2, 4, 1),
    square("FSRCNN x3", 56, 1, (540, 960), 9, 3, 4, 2),
    square("FSRCNN x4", 56, 1, (540, 960), 9, 4, 4, 3),
    square("FSRCNN x2", 56, 1, (1080, 1920), 9, 2, 4, 1),
]


def expected_output(op):
    """In float64."""
    x, weight, bias = op.operands()
    return reference.conv_transpose2d(x[0], weight, bias, op.stride, op.padding, op.output_padding, op.groups)[None]
