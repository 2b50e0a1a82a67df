"""Upscales a picture with the program and with PyTorch, and compares the two files level by level.

    python tests/pytorch_agreement.py build/release/bin/fsrcnn WEIGHTS PICTURE [SCALE]

WEIGHTS is a .safetensors or .pth file. Needs training/requirements.txt, so it is run by hand and not by ctest.
Chroma is bicubic by training/bicubic.py, all in float64 but the network.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "training"))
from bicubic import resize  # noqa: E402
from fsrcnn import FSRCNN  # noqa: E402

PLAIN = ["--edges", "pad", "--guard", "0", "--chroma", "bicubic"]  # what the network computes, and no more
TO_YCBCR = np.array([[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]]) / 255
OFFSET = np.array([16, 128, 128]) / 255


def network(weights, scale):
    state_dict = load_file(weights) if weights.endswith(".safetensors") else torch.load(weights, "cpu", weights_only=True)
    model = FSRCNN(scale)
    model.load_state_dict(state_dict)
    return lambda y: model(torch.from_numpy(y).float()[None, None]).detach().clamp(0, 1)[0, 0].double().numpy()


def upscale(picture, model, scale):
    """(H, W) or (H, W, 3) of 8 bits -> the same at scale times the size."""
    levels = picture.astype(np.float64) / 255
    if picture.ndim == 2:
        result = (model((16 + 219 * levels) / 255) * 255 - 16) / 219
    else:
        y, cb, cr = np.moveaxis(levels @ TO_YCBCR.T + OFFSET, 2, 0)
        planes = [model(y), resize(cb, scale), resize(cr, scale)]
        result = (np.stack(planes, 2) - OFFSET) @ np.linalg.inv(TO_YCBCR).T
    return np.clip(np.floor(result * 255 + 0.5), 0, 255).astype(np.uint8)


def main():
    program, weights, picture = sys.argv[1:4]
    scale = int(sys.argv[4]) if len(sys.argv) > 4 else 2
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "out.png"
        command = [program, "upscale", picture, "-o", output, "--model", weights, "--model-scale", str(scale), *PLAIN, "--quiet"]
        subprocess.run(command, check=True)
        ours = np.asarray(Image.open(output)).astype(int)
    image = Image.open(picture)
    expected = upscale(np.asarray(image if image.mode == "L" else image.convert("RGB")), network(weights, scale), scale)
    difference = ours - expected
    print(f"{Path(picture).name}: {np.abs(difference).max()} levels at most, {np.mean(difference != 0):.2e} of the values "
          f"differ, mean {difference.mean():.2e}")
    sys.exit(int(np.abs(difference).max() > 1))


if __name__ == "__main__":
    main()
