"""Two mistakes at once, at two layers or at one, of kinds of the fourth lot that may be looked at."""

import tuned_fourth_activations  # noqa: F401
import tuned_fourth_channels  # noqa: F401
import tuned_fourth_input  # noqa: F401
import tuned_fourth_loader  # noqa: F401
import tuned_fourth_numbers  # noqa: F401
import tuned_fourth_places  # noqa: F401
from cases import pair

pair(("input chroma plane", "input", {"plane": "Cr"}), ("softplus for PReLU", "mapping_2", {}))
pair(("slope's complement", "mapping_1", {}), ("one index for both axes", "mapping_1", {}))
pair(("kernels in the order of their names", "mapping_2", {}), ("slopes saturated", "mapping_2", {"part": 0.5}))
pair(("planes overlap by a row", "feature_extraction", {}), ("slope divided by", "mapping_3", {}))
pair(("input's fields of two moments", "input", {"columns": 2}), ("every second column not read", "deconvolution", {}))
pair(("data lines exchanged", "mapping_2", {"bits": (9, 7)}), ("batch normalisation not folded", "expanding", {}))
