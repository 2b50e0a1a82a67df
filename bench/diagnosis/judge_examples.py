"""Sentences by which the judge is judged before it judges: wordings of right answers, and wrong ones beside them.

Each is (case, answer's layer, verdict, grade), of the setting `full`. run.py looks at all of them first.
"""

from judge import Answer, judge

EXAMPLES = [
    ("dead channel", "feature extraction", "Channel 17 of feature extraction is zero everywhere.", "named"),
    (
        "dead channel",
        "feature extraction",
        "In feature extraction, map 17 is never written; the rest is right.",
        "named",
    ),
    ("dead channel", "feature extraction", "Channel 16 of feature extraction is zero everywhere.", "WRONG"),
    ("dead channel", "feature extraction", "In feature extraction, the bias is missing.", "WRONG"),
    ("dead channel", "feature extraction", "The dump differs by 0.1, and no known mistake explains it.", "place only"),
    ("dead channel", "shrinking", "The dump differs by 0.1, and no known mistake explains it.", "WRONG"),
    ("bias twice", "feature extraction", "In feature extraction, the bias is added twice.", "named"),
    ("bias twice", "feature extraction", "The bias is doubled (factor of 2).", "named"),
    ("bias twice", "feature extraction", "In feature extraction, the bias is missing.", "WRONG"),
    ("bias twice", "mapping 1", "In mapping 1, the bias is added twice.", "WRONG"),
    ("replicated padding", "mapping 3", "mapping 3 repeats its edges where zeros are padded.", "named"),
    ("replicated padding", "mapping 3", "The padding replicates the border.", "named"),
    ("replicated padding", "mapping 3", "The borders differ, and nothing explains why.", "place only"),
    ("replicated padding", "mapping 3", "The kernels are turned by 180 degrees.", "WRONG"),
    ("tile edges replicated", "mapping 2", "Tiles of 8x8 are computed alone: their edges are replicated.", "named"),
    (
        "tile edges replicated",
        "mapping 2",
        "There are seams every 8 rows and columns: edge values for the neighbours'.",
        "named",
    ),
    ("tile edges replicated", "mapping 2", "The padding is zero instead of the edge.", "WRONG"),
    ("pipeline delay", "mapping 1", "mapping 1 comes 1 pixel too late in raster order.", "named"),
    ("pipeline delay", "mapping 1", "The map is shifted by one pixel, and rows run over into the next.", "named"),
    ("pipeline delay", "mapping 1", "In mapping 1, the PReLU's slopes are one channel off.", "WRONG"),
    ("taps left out", "mapping 1", "All kernels of mapping 1 lack their last row of taps.", "named"),
    (
        "taps left out",
        "mapping 1",
        "72 of 144 kernels are not the ones of the dump, kernel 0 0 the first.",
        "place only",
    ),
    ("taps left out", "mapping 1", "All kernels are others: the set is another model's.", "WRONG"),
    ("slopes without sign", "feature extraction", "35 of 56 slopes differ: 0.2 instead of -0.2.", "place only"),
    ("slopes without sign", "feature extraction", "The slopes lost their sign: 0.2 instead of -0.2.", "named"),
    ("channels swapped", "feature extraction", "Channels 3 and 20 are exchanged.", "named"),
    (
        "channels swapped",
        "feature extraction",
        "Map 3 holds what 20 should, and the other way round: swapped.",
        "named",
    ),
    ("channels swapped", "feature extraction", "Channels 3 and 21 are exchanged.", "WRONG"),
    ("phases exchanged", "deconvolution", "Sub-pixel phases (0, 1) and (1, 0) are swapped.", "named"),
    ("phases exchanged", "deconvolution", "The pixel shuffle has its phases in another order.", "named"),
    ("layer left out", "mapping 2", "The layer is missing: its output is its input.", "named"),
    ("layer left out", "mapping 2", "In mapping 2, the bias is missing.", "WRONG"),
    ("layer twice", "mapping 3", "mapping 3 is run twice.", "named"),
    ("layer twice", "mapping 3", "In mapping 3, the bias is added twice.", "WRONG"),
    ("PReLU twice", "feature extraction", "The activation is applied twice.", "named"),
    ("ReLU for PReLU", "shrinking", "The activation is ReLU, not PReLU.", "named"),
    ("clipped above", "mapping 1", "Values end at 0.4: the map saturates (ReLU6?).", "named"),
    (
        "zero point forgotten",
        "mapping 2",
        "All values are 0.03 too high: a zero point that was not subtracted.",
        "named",
    ),
    ("truncation of maps", "mapping 1", "Values are rounded down (floor) to steps of 1/256.", "named"),
    ("kernel not turned", "deconvolution", "The kernel is not turned by 180 degrees.", "named"),
    ("kernel not turned", "deconvolution", "A correlation where a transposed convolution should be.", "named"),
    ("kernel transposed", "mapping 1", "Rows and columns of the kernels are exchanged.", "named"),
    ("weights in HWIO order", "mapping 3", "The weights lie in TensorFlow's order (HWIO).", "named"),
    ("input range", "feature extraction", "The input has full range, not the limited one.", "named"),
    ("input range", "feature extraction", "The input's gamma is 2.2.", "WRONG"),
    ("input BGR", "feature extraction", "The input's luma was computed with red and blue exchanged.", "named"),
    ("one weight wrong", "mapping 4", "A weight of kernel 2 is 4 times too large.", "named"),
    ("padding on one side", "mapping 2", "All of the padding is at the right and at the bottom.", "named"),
    ("padding on one side", "mapping 2", "The padding is 0.5, not zeros.", "WRONG"),
    ("window row read twice", "mapping 2", "The window's second row reads the first row again.", "named"),
    ("window row read twice", "mapping 2", "All kernels are others: the set is another model's.", "WRONG"),
    ("row dropped or repeated", "mapping 3", "Row 7 is missing, and all rows below are one too high.", "named"),
    ("tearing", "mapping 2", "From column 12 on, the map is shifted down by 1 row.", "named"),
    ("tearing", "mapping 2", "The kernels are turned by 180 degrees.", "WRONG"),
    ("tiles by columns", "mapping 2", "Tiles of 4x4 are put together in column-major order.", "named"),
    ("overlaps added twice", "deconvolution", "Rows at the seams, each 16, are added twice.", "named"),
    ("one phase for all", "deconvolution", "Each pixel of the map is repeated: all 4 phases are the same.", "named"),
    ("convolution of stride 2", "mapping 2", "Of each 2x2 pixels, all hold what the first should.", "named"),
    ("half a pixel", "mapping 3", "Each value is the mean of four neighbours.", "named"),
    ("systolic skew", "mapping 2", "Channel c is c pixels late: each channel by one more.", "named"),
    ("systolic skew", "mapping 2", "The map comes 1 pixel too late in raster order.", "WRONG"),
    ("odd channels late", "mapping 1", "Each second channel, from 1 on, comes one value late.", "named"),
    ("odd channels late", "mapping 1", "All of the map comes one value late.", "WRONG"),
    ("one value wrong", "mapping 4", "One value, at row 9, column 13 of channel 5, is wrong: no known cause.", "named"),
    ("channel negated", "mapping 3", "Channel 4 has the wrong sign.", "named"),
    ("channel negated", "mapping 3", "Channel 4 is zero.", "WRONG"),
    ("slopes by columns", "mapping 1", "The slope's index is the column, not the channel.", "named"),
    ("slopes of two channels exchanged", "mapping 3", "The slopes of channels 1 and 10 are exchanged.", "named"),
    ("slopes of two channels exchanged", "mapping 3", "The slopes of channels 1 and 10 are others.", "place only"),
    ("output wraps", "deconvolution", "What is above 1 wraps around: bytes without a clamp.", "named"),
    ("kernel mirrored", "mapping 1", "The kernels are mirrored, left and right.", "named"),
    ("kernel mirrored", "mapping 1", "The kernels are turned by 180 degrees.", "WRONG"),
    ("exponents ignored", "mapping 1", "The weights' exponents are missing: 1.5 for 1.5e-2.", "named"),
    ("weights end too soon", "mapping 3", "The file of kernels ends too soon: the last ones are zero.", "named"),
    ("bias missing at the border", "mapping 3", "The bias is not added at the border.", "named"),
    ("bias missing at the border", "mapping 3", "The bias is missing.", "WRONG"),
    ("input by BT.709", "feature extraction", "The picture's luma is that of BT.709.", "named"),
    ("input by BT.709", "feature extraction", "The picture's luma has full range.", "WRONG"),
    ("input mean of planes", "feature extraction", "The input is the average of red, green and blue.", "named"),
    (
        "input contrast stretched",
        "feature extraction",
        "The input is 2.2 times what it should be, plus -0.65.",
        "named",
    ),
    ("input contrast stretched", "feature extraction", "The input is another picture.", "place only"),
    (
        "exponents ignored",
        "mapping 1",
        "All kernels are others: the set is another model's (2.9e-06 is left).",
        "WRONG",
    ),
    ("input from -1 to 1", "feature extraction", "The input is scaled to -1 ... 1.", "named"),
]


def check(cases, examples=EXAMPLES):
    """The examples that the judge gets wrong, of these cases."""
    first = {}
    for case in cases:
        first.setdefault(case.kind, case)
    wrong = []
    for kind, layer, verdict, grade in examples:
        case = first[kind]
        causes = ["a mistake"] if "explain" not in verdict else []
        answer = Answer(1, 0.0, verdict, False, verdict, layer, causes)
        layers = [
            "feature_extraction",
            "shrinking",
            *(f"mapping_{i}" for i in range(1, 5)),
            "expanding",
            "deconvolution",
        ]
        given = judge(case, answer, layers, "full")
        if given != grade:
            wrong.append(f"the judge finds '{verdict}' {given}, not {grade}, for {case.name}")
    return wrong
