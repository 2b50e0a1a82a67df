"""What 8-bit integers cost a set of weights: ranges of each layer, and Y-PSNR with rounded weights and feature maps.

    python quantise.py WEIGHTS.safetensors --calibrate DIR --test DIR [--json]

Weights are rounded to int8 symmetrically, each output channel with a scale of its own (the deconvolution: one scale); feature
maps to 256 levels between the least and the greatest value that each channel has on the pictures of --calibrate. Nothing is
trained again. PSNR is protocol A's, over the pictures of --test.
"""

import argparse
import json
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file

from data import SUFFIXES, luma, pair
from fsrcnn import FSRCNN, round_to_int8
from train import psnr


def load(path):
    with safe_open(path, "pt") as file:
        scale = int((file.metadata() or {})["scale"])
    weights = load_file(path)
    d, s = weights["first_part.0.weight"].shape[0], weights["mid_part.0.weight"].shape[0]
    m = sum(k.endswith(".bias") for k in weights) - 4
    model = FSRCNN(scale, d, s, m)
    model.load_state_dict(weights)
    return model, scale


class Quantiser:
    """Sees all feature maps between layers; first their ranges, then it rounds them."""

    def __init__(self, model):
        self.low, self.high, self.rounds = {}, {}, False
        parts = [("first_part", model.first_part), *((f"mid_part.{n}", part) for n, part in enumerate(model.mid_part))]
        for name, part in parts:
            if isinstance(part, (torch.nn.PReLU, torch.nn.Sequential)):
                part.register_forward_hook(lambda _, __, output, name=name: self.see(name, output))

    def see(self, name, x):
        if not self.rounds:
            low, high = x.amin((0, 2, 3)), x.amax((0, 2, 3))
            self.low[name] = torch.minimum(self.low.get(name, low), low)
            self.high[name] = torch.maximum(self.high.get(name, high), high)
            return x
        low, high = (v[name][None, :, None, None] for v in (self.low, self.high))
        scale = (high - low).clamp(min=1e-12) / 255
        return ((x - low) / scale).round().clamp(0, 255) * scale + low


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--calibrate", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()

    model, scale = load(arguments.weights)
    pairs = {
        name: [pair(luma(file), scale) for file in sorted(folder.iterdir()) if file.suffix.lower() in SUFFIXES]
        for name, folder in (("calibrate", arguments.calibrate), ("test", arguments.test))
    }
    report = {"psnr": psnr(model, pairs["test"], scale, "cpu")}
    model.load_state_dict(round_to_int8(model), strict=False)
    report["psnr_int8_weights"] = psnr(model, pairs["test"], scale, "cpu")
    quantiser = Quantiser(model)
    psnr(model, pairs["calibrate"], scale, "cpu")
    report["ranges"] = {name: [low.min().item(), quantiser.high[name].max().item()] for name, low in quantiser.low.items()}
    quantiser.rounds = True
    report["psnr_int8"] = psnr(model, pairs["test"], scale, "cpu")
    if arguments.json:
        print(json.dumps(report))
        return
    for name, (low, high) in report["ranges"].items():
        print(f"{name:14} {low:9.3f} .. {high:8.3f}")
    print(f"float32 {report['psnr']:.2f} dB, int8 weights {report['psnr_int8_weights']:.2f}, and feature maps {report['psnr_int8']:.2f}")


if __name__ == "__main__":
    main()
