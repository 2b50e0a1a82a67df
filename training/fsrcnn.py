"""FSRCNN(d, s, m) of Dong, Loy and Tang, "Accelerating the Super-Resolution Convolutional Neural Network" (ECCV 2016).

Parameter names are those of yjn870/FSRCNN-pytorch, which most people's weights have.
"""

import copy
import math

import torch
from torch import nn


def round_to_int8(model):
    """The model's kernels as int8 times a scale for each output channel: {name: kernel}. Biases and slopes are not among
    them; ports keep those in 32 bits."""
    kernels = {}
    for name, kernel in model.named_parameters():
        if kernel.ndim == 4:
            # A transposed convolution's kernel is (in, out, h, w), and has one output.
            axes = (0, 1, 2, 3) if name.startswith("last_part") else (1, 2, 3)
            scale = kernel.detach().abs().amax(axes, keepdim=True).clamp(min=1e-12) / 127
            kernels[name] = (kernel.detach() / scale).round() * scale
    return kernels


def kernel_of(layer):
    """(out, in, h, w); of a deconvolution the first two stand the other way round."""
    return layer.weight.transpose(0, 1) if isinstance(layer, nn.ConvTranspose2d) else layer.weight


def rescale(maker, taker, factors):
    """Makes each channel between two layers as many times as large. The network computes the same, because a PReLU
    passes any positive factor on."""
    maker.weight *= factors.reshape(-1, 1, 1, 1)
    maker.bias *= factors
    kernel_of(taker).div_(factors.reshape(1, -1, 1, 1))


class FSRCNN(nn.Module):
    """(N, 1, H, W) luma in [0, 1] -> (N, 1, scale * H, scale * W)."""

    def __init__(self, scale, d=56, s=12, m=4):
        super().__init__()
        self.shape = scale, d, s, m

        def conv(in_channels, out_channels, kernel_size):
            return nn.Conv2d(in_channels, out_channels, kernel_size, padding=kernel_size // 2)

        self.first_part = nn.Sequential(conv(1, d, 5), nn.PReLU(d))
        mid = [conv(d, s, 1), nn.PReLU(s)]
        for _ in range(m):
            mid += [conv(s, s, 3), nn.PReLU(s)]
        mid += [conv(s, d, 1), nn.PReLU(d)]
        self.mid_part = nn.Sequential(*mid)
        self.last_part = nn.ConvTranspose2d(d, 1, 9, stride=scale, padding=4, output_padding=scale - 1)
        self.initialise()

    def initialise(self):
        """Section 3.2 of the paper: He's initialisation for the convolutions, N(0, 0.001) for the deconvolution."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                fan_out = module.out_channels * module.weight[0][0].numel()
                nn.init.normal_(module.weight, 0.0, math.sqrt(2 / fan_out))
                nn.init.zeros_(module.bias)
        nn.init.normal_(self.last_part.weight, 0.0, 0.001)
        nn.init.zeros_(self.last_part.bias)

    def forward(self, x):
        return self.last_part(self.mid_part(self.first_part(x)))

    @torch.no_grad()
    def equalise(self, rounds=20):
        """Shares each channel's size out between the layer that makes it and the one that takes it, so that 8-bit
        integers hold the kernels best.
        (Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", 2019.)"""
        for _ in range(rounds):
            for maker, taker in self.neighbours():
                sizes = kernel_of(taker).abs().amax((2, 3)).clamp(min=1e-12)
                rescale(maker, taker, (sizes / sizes.amax(1, keepdim=True)).amax(0).clamp(min=1e-4))

    @torch.no_grad()
    def settle(self, pictures, tries=60):
        """Where rounding to 8 bits falls after that is chance, and what it does is mostly to make pictures darker or
        brighter. So each channel's size is drawn anew, within some 20 %, and the draws are kept that leave the output of
        rounded kernels nearest to the model's own, on LR pictures (1, 1, H, W). At last all channels between two layers
        are made as many times as large that the largest value before a PReLU is 1 on these pictures: rounding is the same
        then, and fixed point has room."""
        torch.manual_seed(0)
        wanted = [self(picture) for picture in pictures]

        def error():
            rounded = copy.deepcopy(self)
            rounded.load_state_dict(round_to_int8(self), strict=False)
            return sum(nn.functional.mse_loss(rounded(picture), own).item() for picture, own in zip(pictures, wanted))

        least = error()
        for maker, taker in self.neighbours() * tries:
            before = copy.deepcopy(self.state_dict())
            rescale(maker, taker, torch.exp(0.2 * torch.randn_like(maker.bias)))
            now = error()
            if now < least:
                least = now
            else:
                self.load_state_dict(before)
        for maker, taker in self.neighbours():
            largest = [torch.zeros(())]
            hook = maker.register_forward_hook(lambda _, __, output: largest.append(output.abs().max()))
            for picture in pictures:
                self(picture)
            hook.remove()
            rescale(maker, taker, torch.ones_like(maker.bias) / max(largest))

    def neighbours(self):
        """[(the layer that makes channels, the one that takes them)]"""
        layers = [part for part in (self.first_part[0], *self.mid_part, self.last_part) if not isinstance(part, nn.PReLU)]
        return list(zip(layers, layers[1:]))
