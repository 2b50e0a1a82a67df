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
pair(
    ("offset binary taken for two's complement", "shrinking", {}),
    ("phases not interleaved", "deconvolution", {"how": "quadrants"}),
)
pair(
    ("scales of two channels exchanged", "mapping_1", {"first": 2, "second": 9}),
    ("canvas not cleared", "deconvolution", {}),
)
pair(("max pooling left in", "shrinking", {}), ("sign a pixel late", "mapping_4", {}), picture="large")
pair(("input activated again", "mapping_3", {}), ("stamps run on into the next row", "deconvolution", {}))
pair(("rounded up", "expanding", {"bits": 8}), ("channel cut out", "mapping_1", {"channel": 7}), picture="large")
