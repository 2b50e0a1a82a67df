"""Trains one FSRCNN from a config; goes on from its last checkpoint when called again.

    python train.py configs/fsrcnn_x2.json --data DIR [--out DIR] [--threads N]

DIR holds the folders that the config names. One with start_from begins with the weights that another wrote to OUT (of
another scale: all but the deconvolution's); one with int8 trains kernels that are rounded to 8 bits. Writes
OUT/NAME.safetensors (the moving average of the weights), and OUT/NAME.log.jsonl with the curve that the model card quotes.
"""

import argparse
import copy
import json
import math
import os
from pathlib import Path

import numpy as np
import torch
from pytorch_optimizer import SOAP
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from data import Pictures
from fsrcnn import FSRCNN, round_to_int8

CHECKPOINT_EVERY = 1000
BORDER = 4  # LR pixels


def learning_rate(config, step):
    """Linear warm-up, then a cosine down to the final rate."""
    start, end = config["learning_rate"], config["final_learning_rate"]
    if step < config["warm_up"]:
        return start * (step + 1) / config["warm_up"]
    done = (step - config["warm_up"]) / (config["steps"] - config["warm_up"])
    return end + (start - end) * (1 + math.cos(math.pi * done)) / 2


@torch.no_grad()
def psnr(model, pairs, scale, device):
    """Mean Y-PSNR over the pairs by protocol A: output rounded to 8 bits, `scale` pixels shaved."""
    total = 0.0
    for lr, hr in pairs:
        output = model(torch.from_numpy(lr / 255)[None, None].to(device)).cpu().numpy()[0, 0]
        output = np.clip(np.floor(output * 255 + 0.5), 0, 255)
        error = (output - hr)[scale:-scale, scale:-scale]
        total += 10 * math.log10(255**2 / np.mean(np.square(error)))
    return total / len(pairs)


def pixel_weights(config):
    """(H, W) for an HR patch, of mean 1. A patch has far more border, which sees zeros outside, than a picture has."""
    size, border = config["patch"] * config["scale"], BORDER * config["scale"]
    weights = torch.full((size, size), float(config["border_weight"]))
    weights[border:-border, border:-border] = 1
    return weights / weights.mean()


def write_atomically(path, write):
    temporary = path.with_name(path.name + ".tmp")
    write(temporary)
    os.replace(temporary, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("runs"))
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    arguments = parser.parse_args()

    config = json.loads(arguments.config.read_text())
    scale, name = config["scale"], config["name"]
    arguments.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(config["seed"])
    device = "cuda" if torch.cuda.is_available() else "cpu"

    folders = [arguments.data / folder for folder in config["folders"]]
    pictures = Pictures(folders, scale, config["copies"], config["held_out_every"], config.get("compression"))
    print(f"{len(pictures.pairs)} pictures, {len(pictures.held_out)} held out, sha256 {pictures.digest.hexdigest()}")

    model = FSRCNN(scale, config["d"], config["s"], config["m"]).to(device, memory_format=torch.channels_last)
    if "start_from" in config:
        with safe_open(arguments.out / f"{config['start_from']}.safetensors", "pt") as file:
            start = {key: file.get_tensor(key) for key in file.keys()}
            if file.metadata()["scale"] != str(scale):  # then the deconvolution alone is learnt anew (section 3.4 of the paper)
                start.update({key: value for key, value in model.state_dict().items() if key.startswith("last_part")})
        model.load_state_dict(start)
    average = copy.deepcopy(model)
    # Kernels are seen as matrices of (out, in * height * width); biases and slopes get what Adam would do.
    groups = [
        {"params": [p for p in model.parameters() if p.ndim > 1], "merge_dims": True, "weight_decay": config["weight_decay"]},
        {"params": [p for p in model.parameters() if p.ndim == 1], "weight_decay": 0},
    ]
    optimiser = SOAP(groups, max_precondition_dim=128)
    pixel_weight = pixel_weights(config).to(device)
    step = 0

    checkpoint = arguments.out / f"{name}.checkpoint.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=device, weights_only=True)
        model.load_state_dict(state["model"])
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        step = state["step"]
        print(f"going on from step {step}")

    log = (arguments.out / f"{name}.log.jsonl").open("a")
    loss_sum = 0.0
    while step < config["steps"]:
        # A generator per step makes a resumed run see the same patches as an uninterrupted one.
        rng = np.random.default_rng([config["seed"], step])
        inputs, targets = (torch.from_numpy(a).to(device) for a in pictures.batch(rng, config["batch"], config["patch"]))
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(config, step)
        # Kernels that are rounded forward pass their gradients on as if they were not.
        kernels = {}
        if config.get("int8"):
            parameters = dict(model.named_parameters())
            kernels = {name: parameters[name] + (k - parameters[name]).detach() for name, k in round_to_int8(model).items()}
        output = torch.func.functional_call(model, kernels, inputs.contiguous(memory_format=torch.channels_last))
        error = output - targets
        loss = ((error.abs() if step < config["l2_from"] * config["steps"] else error.square()) * pixel_weight).mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        step += 1
        decay = min(config["ema"], step / (step + 10))
        with torch.no_grad():
            for old, new in zip(average.parameters(), model.parameters()):
                old.lerp_(new, 1 - decay)
        loss_sum += loss.item()

        if step % CHECKPOINT_EVERY == 0 or step == config["steps"]:
            measured = copy.deepcopy(average)
            if config.get("int8"):
                measured.load_state_dict(round_to_int8(measured), strict=False)
            line = {"step": step, "loss": loss_sum / CHECKPOINT_EVERY, "held_out_psnr": psnr(measured, pictures.held_out, scale, device)}
            loss_sum = 0.0
            print(json.dumps(line), flush=True)
            log.write(json.dumps(line) + "\n")
            log.flush()
            state = {"model": model.state_dict(), "average": average.state_dict(), "optimiser": optimiser.state_dict(), "step": step}
            write_atomically(checkpoint, lambda path: torch.save(state, path))

    if not config.get("int8"):
        average.equalise()
        average.settle([torch.from_numpy(lr[:96, :96] / 255)[None, None].to(device) for lr, _ in pictures.held_out])
    weights = {key: value.cpu().contiguous() for key, value in average.state_dict().items()}
    write_atomically(arguments.out / f"{name}.safetensors", lambda path: save_file(weights, path, {"scale": str(scale)}))


if __name__ == "__main__":
    main()
