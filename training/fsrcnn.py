"""FSRCNN(d, s, m) of Dong, Loy and Tang, "Accelerating the Super-Resolution Convolutional Neural Network" (ECCV 2016).

Parameter names are those of yjn870/FSRCNN-pytorch, which most people's weights have.
"""

import math

import torch
from torch import nn


class LinearBlock(nn.Module):
    """A convolution whose kernel is the product of two larger ones (Bhardwaj et al., "Collapsible Linear Blocks for
    Super-Efficient Super Resolution", 2022): the same function and cost, but a loss that is easier to descend.
    The product is made in every step, so the larger kernels only exist in training."""

    def __init__(self, in_channels, out_channels, kernel_size, padding, width):
        super().__init__()
        self.padding = padding
        self.expand = nn.Parameter(torch.empty(width, in_channels, kernel_size, kernel_size))
        self.project = nn.Parameter(torch.empty(out_channels, width))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.residual = in_channels == out_channels
        nn.init.normal_(self.expand, 0.0, math.sqrt(1 / (in_channels * kernel_size**2)))
        nn.init.normal_(self.project, 0.0, math.sqrt((0.5 if self.residual else 2) / width))

    def weight(self):
        """The kernel of the plain convolution: (out, in, kernel, kernel)."""
        weight = torch.einsum("ow,wikl->oikl", self.project, self.expand)
        if self.residual:
            identity = torch.zeros_like(weight)
            torch.nn.init.dirac_(identity)
            weight = weight + identity
        return weight

    def forward(self, x):
        return nn.functional.conv2d(x, self.weight(), self.bias, padding=self.padding)


class FSRCNN(nn.Module):
    """(N, 1, H, W) luma in [0, 1] -> (N, 1, scale * H, scale * W).

    With width > 0 the convolutions are LinearBlocks of this width; plain() turns them into ordinary ones."""

    def __init__(self, scale, d=56, s=12, m=4, width=0):
        super().__init__()
        self.shape = scale, d, s, m

        def conv(in_channels, out_channels, kernel_size):
            padding = kernel_size // 2
            if width > 0:
                return LinearBlock(in_channels, out_channels, kernel_size, padding, width)
            return nn.Conv2d(in_channels, out_channels, kernel_size, padding=padding)

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
    def plain(self):
        """The same function as an FSRCNN of ordinary convolutions."""
        weights = {k: v for k, v in self.state_dict().items() if not k.endswith((".expand", ".project"))}
        for name, module in self.named_modules():
            if isinstance(module, LinearBlock):
                weights[f"{name}.weight"] = module.weight()
        network = FSRCNN(*self.shape)
        network.load_state_dict(weights)
        return network.to(next(self.parameters()).device)
