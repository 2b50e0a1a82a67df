"""Mistakes of place, a third lot: borders, vectors, frames, phases. Of these kinds every case may be looked at."""

import numpy as np
from cases import NotHere, at, kind
from kit import after, halo, phases
from port import correlate


@kind(
    "window kept inside the picture",
    "<border>|<row>|<column>",
    "<replicate>|same|inner|inside|neighbour|clamp|copy|holds? what|in the place of",
    unless="bias|slope|kernels|padd",
)
@at("mapping_2")
@at("feature_extraction", "large")
def window_kept_inside(port, layer, random):
    """The window's centre is clamped, so that no padding is needed: the border has its inner neighbour's result."""
    around = halo(layer)

    def clamp(y):
        return np.pad(y[:, around:-around, around:-around], ((0, 0), (around, around), (around, around)), mode="edge")

    after(layer, "convolve", clamp)


@kind(
    "padding by the map's smallest value",
    "padd|<border>|outside",
    "constant|zero.?point|minim|smallest|lowest|not zero|instead of zeros?|with -?\\d|of -?\\d|is -?\\d|value",
    unless="bias is|slope|reflect|replicat",
)
@at("mapping_2")
@at("mapping_4", "large")
def padding_by_smallest_value(port, layer, random):
    """Asymmetric int8, padded by bytes of 0: those stand for the smallest value, not for zero."""
    around = halo(layer)
    layer.pad = lambda x: np.pad(x, ((0, 0), (around, around), (around, around)), constant_values=x.min())


@kind(
    "every second row reversed",
    "<row>",
    "revers|mirror|flip|right to left|serpent|backward|zig|snake|meander",
    "second|other|odd|even|every|alternat|1, ?3|serpent|zig|snake|meander",
    beside=1,
    unless="kernels|bias|slope",
)
@at("mapping_2")
@at("deconvolution", "large")
def every_second_row_reversed(port, layer, random):
    """One side goes through the picture as the ox ploughs, the other one always from left to right."""

    def plough(y):
        y = y.copy()
        y[:, 1::2] = y[:, 1::2, ::-1].copy()
        return y

    after(layer, "keep", plough)


@kind(
    "vector's tail from the wrong place",
    "<column>|right|tail|vector|<tile>|region|part",
    "<shifted>|in the place of|holds? what|copy|same|<old>|repeat|instead|wrong place",
    beside=1,
    unless="kernels|bias|slope",
)
@at("mapping_3", lanes=16)
@at("expanding", "large", lanes=64)
def vectors_tail(port, layer, random, lanes):
    """The last vector of a row is computed so that it ends with the row, but stored where the others end."""

    def tail(y):
        columns, y = y.shape[2], y.copy()
        whole = columns // lanes * lanes
        if whole < columns:
            y[:, :, whole:] = y[:, :, columns - lanes : columns - lanes + columns - whole].copy()
        return y

    after(layer, "keep", tail)


@kind(
    "loads aligned down",
    "<column>|tap|window|align|address",
    "same|repeat|<twice>|align|sum|<replicate>|instead|all (of )?(the|its) (columns|taps)|first column|left",
    vague="kernel",
    unless="bias|slope|turned|transpos",
)
@at("mapping_1")
@at("feature_extraction", "large")
def loads_aligned_down(port, layer, random):
    """An instruction that ignores the address's low bits: the window's first four columns all see the first one."""
    kernel = layer.kernel.copy()
    kernel[..., 0] = kernel[..., :4].sum(-1)
    kernel[..., 1:4] = 0
    layer.kernel = kernel


@kind(
    "columns not put together again",
    "<column>|pixel|halves|half",
    "even|odd|second|interleav|alternat|zip",
    "<swap>|order|first|apart|interleav|place|followed|then|behind|zip",
    beside=1,
    unless="kernels|bias|slope",
)
@at("shrinking")
@at("mapping_4", "large")
def columns_not_put_together(port, layer, random):
    """vld2 parts even and odd columns; they are stored one after the other, by vst1 for vst2."""
    after(layer, "keep", lambda y: np.concatenate([y[:, :, ::2], y[:, :, 1::2]], 2))


@kind(
    "one field repeated",
    "<row>|field|interlac|line",
    "repeat|<twice>|copy|copies|same|<replicate>|field|doubl|holds? what|in the place of|instead",
    beside=1,
    vague="input",
    unless="kernels|bias|slope|padd",
)
@at("input")
@at("mapping_3", "large")
def one_field_repeated(port, layer, random):
    """A deinterlacer, or a line buffer whose write enable comes each second row: odd rows are the ones above."""
    after(layer, "prepare" if layer is port else "keep", lambda y: y[:, ::2].repeat(2, 1)[:, : y.shape[1]])


@kind(
    "lower half of the frame before",
    "<row>|half|lower|bottom|part|below|region",
    "<shifted>|<old>|frame|another|other picture|tear",
    vague="input",
    unless="kernels|bias|slope",
)
@at("input", pixels=3)
@at("input", "large", pixels=7)
def lower_half_of_the_frame_before(port, layer, random, pixels):
    """The camera pans, and while the picture is read the next frame is written: it is torn in the middle."""

    def tear(x):
        x, half = x.copy(), x.shape[1] // 2
        x[:, half:] = np.roll(x[:, half:], pixels, 2)
        return x

    after(port, "prepare", tear)


@kind(
    "ring of lines not turned",
    "ring\\b|line buffer|window|kernels?\\b|\\btaps?\\b",
    "rotat|order|<swap>|cyclic|every (3|third|5|fifth)|modulo|ring\\b|third|period|cycl",
    vague="kernel",
    unless="bias|slope|180",
)
@at("mapping_1")
@at("feature_extraction", "large")
def ring_of_lines_not_turned(port, layer, random):
    """The lines of a ring buffer meet the kernel's rows as they lie in memory, not as they follow in the picture."""

    def multiply(padded):
        side = layer.kernel.shape[-1]
        y = correlate(padded, layer.kernel)
        for turn in range(1, side):
            y[:, turn::side] = correlate(padded, np.roll(layer.kernel, turn, -2))[:, turn::side]
        return y

    layer.multiply = multiply


@kind(
    "every eighth column not written",
    "<column>|lane|pixel",
    "<zero>|<missing>|written|empty",
    "\\b{lanes}|eighth|every|each|7, 15",
    beside=1,
    unless="kernels|bias is|slope",
)
@at("mapping_2", lanes=8)
@at("expanding", "large", lanes=32)
def every_eighth_column_not_written(port, layer, random, lanes):
    """A masked store whose mask lacks the last lane."""

    def store(y):
        y = y.copy()
        y[:, :, lanes - 1 :: lanes] = 0
        return y

    after(layer, "keep", store)


@kind(
    "kernels change in the middle",
    "kernel|weight",
    "<row>|half|lower|from row|below|part|region|middle",
    "next|other|another|differ|change|mapping \\d.*mapping \\d|not those|not the ones?",
    unless="turned|transpos|mirror",
)
@at("mapping_1")
@at("mapping_3", "large")
def kernels_change_in_the_middle(port, layer, random):
    """The next layer's kernels are loaded into the same memory while the lower half is still being computed."""
    later = port.layers[port.layers.index(layer) + 1].kernel

    def change(padded):
        y = correlate(padded, layer.kernel)
        half = y.shape[1] // 2
        y[:, half:] = correlate(padded, later)[:, half:]
        return y

    layer.multiply = change


@kind(
    "bias missing in one half",
    "bias",
    "<missing>|<zero>|only",
    "<row>|<column>|half|lower|part|region|below|right",
    vague="bias",
)
@at("mapping_2", half="lower")
@at("feature_extraction", "large", half="right")
def bias_missing_in_one_half(port, layer, random, half):
    """Two devices share the picture, and nobody copied the bias to the second."""

    def add(y):
        y = y.copy()
        mine = np.s_[:, : y.shape[1] // 2] if half == "lower" else np.s_[:, :, : y.shape[2] // 2]
        y[mine] += layer.bias[:, None, None]
        return y

    layer.add_bias = add


@kind(
    "no activation in the vector's tail",
    "activation|prelu|slope|linear",
    "<missing>|linear|slopes? (is|are|of) 1\\b|not (done|made)|only",
    "<column>|right|part|tail|region|vector",
)
@at("mapping_1", lanes=16)
@at("feature_extraction", "large", lanes=64)
def no_activation_in_the_tail(port, layer, random, lanes):
    """The loop over what is left of a row behind the last whole vector is an old one, without the PReLU."""
    activate = layer.activate

    def in_vectors(y):
        z, whole = activate(y), y.shape[2] // lanes * lanes
        z[:, :, whole:] = y[:, :, whole:]
        return z

    layer.activate = in_vectors


@kind(
    "updates lost in a race",
    "race|atomic|lost|random|<missing>|some (of the )?(pixels|values|stamps)|noise|threads",
    unless="bias|clamp|turned|channels? \\d",
)
@at("deconvolution", part=0.02)
@at("deconvolution", "large", "fsrcnn-x3", part=0.01)
def updates_lost_in_a_race(port, layer, random, part):
    """Threads throw stamps onto one canvas without atomic additions: now and then one of two sums is lost."""
    side, scale = layer.kernel.shape[-1], layer.stride

    def race(x):
        taps = np.tensordot(layer.kernel[:, 0], x, axes=(0, 0))
        taps = taps * (random.random(taps.shape) >= part)
        rows, columns = x.shape[1:]
        canvas = np.zeros(((rows + 1) * scale + side, (columns + 1) * scale + side), x.dtype)
        for ky in range(side):
            for kx in range(side):
                at_rows = slice(ky, ky + rows * scale, scale)
                canvas[at_rows, kx : kx + columns * scale : scale] += taps[ky, kx].astype(x.dtype)
        return canvas[None]

    layer.multiply = race


@kind(
    "phase too bright",
    "phase|sub.?pixel|pixels? of (each|every)|shuffle|every (second|other)|checker",
    "<scale>|1\\.1|bright",
    also=(("kernel|tap", r"\(\d, \d\).*\(\d, \d\)", "{factor}0* times"),),
    unless="bias is",
)
@at("deconvolution", phase=(1, 0), factor=1.1)
@at("deconvolution", "large", "fsrcnn-x3", phase=(1, 1), factor=0.95)
def phase_too_bright(port, layer, random, phase, factor):
    """Somebody normalised the phases' kernels one by one, against a checkerboard."""

    def scale(y):
        y = y.copy()
        phases(y, layer.stride)[phase][:] *= factor
        return y

    after(layer, "convolve", scale)


@kind(
    "one phase not turned",
    "phase|sub.?pixel|pixels? of (each|every)|every (second|other)|odd|even|taps? of",
    "turned|rotat|180|flip|mirror|revers|correlat",
    vague="kernel",
)
@at("deconvolution", phase=(1, 1))
@at("deconvolution", "large", phase=(0, 1))
def one_phase_not_turned(port, layer, random, phase):
    """Of the four kernels into which the large one was parted, one was typed in the other order."""
    if layer.stride != 2:
        raise NotHere("a phase's taps are another's if turned")
    turned = layer.kernel[..., ::-1, ::-1].copy()
    layer.kernel = layer.kernel.copy()
    layer.kernel[..., phase[0] :: 2, phase[1] :: 2] = turned[..., phase[0] :: 2, phase[1] :: 2]
