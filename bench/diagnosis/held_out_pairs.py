# HELD OUT. If you improve `fsrcnn diagnose`, please do not read this file, nor the cases it makes: what is measured
# with them is worth something as long as nobody has fitted the program to it.

"""Two held-out mistakes at once, at two layers or at one."""

import held_out_activations  # noqa: F401
import held_out_channels  # noqa: F401
import held_out_input  # noqa: F401
import held_out_loader  # noqa: F401
import held_out_numbers  # noqa: F401
import held_out_places  # noqa: F401
from cases import pair

pair(("products subtracted", "mapping_2", {}), ("address bit stuck", "mapping_4", {"bit": 4}))
pair(("input chroma plane", "input", {"plane": "Cr"}), ("softplus for PReLU", "mapping_2", {}))
pair(("slope's complement", "mapping_1", {}), ("one index for both axes", "mapping_1", {}))
pair(("kernels in the order of their names", "mapping_2", {}), ("slopes saturated", "mapping_2", {"part": 0.5}))
pair(
    ("first line taken for a header", "shrinking", {}),
    ("phases not interleaved", "deconvolution", {"how": "quadrants"}),
)
pair(("planes overlap by a row", "feature_extraction", {}), ("slope divided by", "mapping_3", {}))
pair(
    ("scales of two channels exchanged", "mapping_1", {"first": 2, "second": 9}),
    ("canvas not cleared", "deconvolution", {}),
)
pair(("max pooling left in", "shrinking", {}), ("biases and slopes in turn", "mapping_4", {}), picture="large")
pair(("input's fields of two moments", "input", {"columns": 2}), ("every second column not read", "deconvolution", {}))
pair(("data lines exchanged", "mapping_2", {"bits": (9, 7)}), ("batch normalisation not folded", "expanding", {}))
pair(("activation after each pass", "mapping_3", {}), ("stamps run on into the next row", "deconvolution", {}))
pair(("rounded up", "expanding", {"bits": 8}), ("channel cut out", "mapping_1", {"channel": 7}), picture="large")
