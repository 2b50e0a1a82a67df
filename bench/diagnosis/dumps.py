"""Dumps of a port as files, plain or in disguise, and the checks that the bench makes of itself."""

import shutil
from pathlib import Path

import numpy as np
from cases import ENDS, FULL

OUTPUT = "deconvolution_clamp"


def file_names(maps):
    """{map's name: file's stem}: trace's names, with their numbers."""
    names = {}
    for index, name in enumerate(maps):
        if name == "input":
            names[name] = "00_input"
        elif name.startswith("deconvolution"):
            clamp = name.endswith("_clamp")
            names[name] = f"{index + 5:02}_deconvolution_{'clamp' if clamp else 'bias'}"  # five steps are not dumped
        else:
            names[name] = f"{index:02}_{name if name.endswith('_prelu') else name + '_convolution'}"
    return names


def chosen(maps, setting):
    """The names of the maps that a setting dumps beside the output."""
    if setting == ENDS:
        return []
    return [n for n in maps if n != OUTPUT and (setting == FULL or n.endswith("_prelu"))]


def write_plain(maps, setting, folder):
    """Writes a port's maps as .npy of (1, C, H, W); returns the arguments that tell diagnose of them."""
    shutil.rmtree(folder, ignore_errors=True)
    features = folder / "features"
    features.mkdir(parents=True)
    names = file_names(maps)
    for name in chosen(maps, setting):
        np.save(features / f"{names[name]}.npy", maps[name][None].astype(np.float32))
    np.save(folder / "preds.npy", maps[OUTPUT][None].astype(np.float32))
    given = ["--reference", str(folder / "preds.npy")]
    return given if setting == ENDS else ["--feature", str(features), *given]


def difference(map_, right):
    """Largest difference, as a part of the right map's full scale; infinite where sizes or kinds of numbers differ."""
    if map_.shape != right.shape or not np.isfinite(map_).all():
        return np.inf
    return float(np.abs(map_.astype(float) - right).max() / np.abs(right).max())


def first_change(maps, right, tolerance):
    """The first map that differs by more than the tolerance, or None."""
    return next((name for name in right if difference(maps[name], right[name]) > tolerance), None)


class BenchError(Exception):
    """The bench itself is wrong: a mistake changes nothing, or a disguise is not right."""


class Dressing:
    """Where a disguise puts its dumps.

    right: maps of the right port in float64; port: a right port that may be changed (its weights rounded, say);
    picture: the file that it read; program: runs a subcommand of fsrcnn.
    """

    def __init__(self, port, luma, right, picture, network, program, folder):
        self.port, self.luma, self.right, self.picture = port, luma, right, picture
        self.network, self.program, self.folder = network, program, Path(folder)
        self.names = file_names(right)
        self.bound, self.setting = 0.0, FULL  # which disguise() sets
        self.input = str(picture)
        self.features = {}  # given as NAME=FILE
        self.more = []  # other arguments
        self.reference = None
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / "features").mkdir(parents=True)

    def maps(self):
        """What the port makes of the picture, in float64, as it stands now."""
        return {name: m.astype(float) for name, m in self.port.run(self.luma).items()}

    def check(self, name, means):
        """Whether what a dump stands for is right."""
        right = self.right[name]
        if means.shape != right.shape:
            raise BenchError(f"the disguise's {name} is {means.shape}, not {right.shape}")
        if difference(means, right) > self.bound:
            raise BenchError(f"the disguise's {name} is wrong by {difference(means, right):.3g} of full scale")

    def path(self, name, stem=None, ending=".npy"):
        """Of the file for this map, which is the output's or one in the folder of features."""
        if name == OUTPUT:
            self.reference = self.folder / f"preds{ending}"
            return self.reference
        return self.folder / "features" / f"{stem or self.names[name]}{ending}"

    def save(self, name, stored, means=None, stem=None):
        """Writes an array as .npy; means: the map that it stands for, if it is not (1, C, H, W) of the values."""
        self.check(name, stored[0] if means is None else means)
        np.save(self.path(name, stem), stored)

    def wanted(self):
        """Names of the maps that the case's setting dumps, with the output."""
        return [*chosen(self.right, self.setting), OUTPUT]

    def save_all(self, maps=None, change=lambda m: m, stored=lambda m: m.astype(np.float32)):
        """Writes all maps of the setting; change: what becomes of the values, stored: how they are kept."""
        maps = maps or self.right
        for name in self.wanted():
            means = change(maps[name])
            self.save(name, stored(means)[None], means)

    def arguments(self):
        """Those of diagnose."""
        given = [text for name, file in self.features.items() for text in ("--feature", f"{name}={file}")]
        if any((self.folder / "features").iterdir()) and not self.features:
            given = ["--feature", str(self.folder / "features")]
        return [*given, *(["--reference", str(self.reference)] if self.reference else []), *self.more]
