"""FSRCNN(d, s, m) of Dong, Loy and Tang, "Accelerating the Super-Resolution Convolutional Neural Network" (ECCV 2016).

Parameter names are those of yjn870/FSRCNN-pytorch, which most people's weights have.
"""

import math

import torch
from torch import nn


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
