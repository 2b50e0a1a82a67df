"""What weights make of compressed pictures: Y-PSNR for LR pictures after JPEG or H.264, bicubic beside it.

    python compressed.py WEIGHTS.safetensors [WEIGHTS.safetensors ...] --test DIR

The LR pictures are protocol A's, in 8 bits, then compressed as for training; PSNR is protocol A's, against the originals.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from bicubic import resize
from data import SUFFIXES, by_h264, by_jpeg, luma, pair, to_8_bits
from quantise import load
from train import psnr

JPEG_QUALITIES = (40, 60, 80, 95)
H264_CRFS = (18, 23, 28, 33)


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path, nargs="+")
    parser.add_argument("--test", type=Path, required=True)
    arguments = parser.parse_args()

    loaded = [load(path) for path in arguments.weights]
    scale = loaded[0][1]
    if any(other != scale for _, other in loaded):
        parser.error("weights of different scales cannot be compared")

    def bicubic(x):
        return torch.from_numpy(resize(x[0, 0].numpy(), scale))[None, None]

    models = [bicubic, *(model for model, _ in loaded)]
    pictures = [pair(luma(file), scale) for file in sorted(arguments.test.iterdir()) if file.suffix.lower() in SUFFIXES]
    kinds = [(f"JPEG {quality}", by_jpeg, quality) for quality in JPEG_QUALITIES]
    kinds += [(f"H.264 {crf}", by_h264, crf) for crf in H264_CRFS]
    print(" " * 12, *(f"{name:>16}" for name in ("bicubic", *(path.stem for path in arguments.weights))))
    for name, compress, quality in kinds:
        pairs = [(compress(to_8_bits(lr), quality).astype(np.float32), hr) for lr, hr in pictures]
        print(f"{name:12}", *(f"{psnr(model, pairs, scale, 'cpu'):16.2f}" for model in models))


if __name__ == "__main__":
    main()
