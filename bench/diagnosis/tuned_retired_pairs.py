"""Two mistakes at once, at two layers or at one, of kinds that were held out."""

import tuned_retired_channels  # noqa: F401
import tuned_retired_loader  # noqa: F401
import tuned_retired_more_channels  # noqa: F401
import tuned_retired_more_input  # noqa: F401
import tuned_retired_more_loader  # noqa: F401
import tuned_retired_more_numbers  # noqa: F401
import tuned_retired_more_places  # noqa: F401
import tuned_retired_numbers  # noqa: F401
import tuned_retired_places  # noqa: F401
from cases import pair

pair(("bias missing", "mapping_2", {}), ("kernel turned", "mapping_2", {}))
pair(("reflected padding", "mapping_1", {"how": "reflect"}), ("activation left out", "mapping_3", {}))
pair(("crop shifted", "deconvolution", {"rows": 1, "columns": 1}), ("bias missing", "deconvolution", {}))
pair(("input scaled", "input", {"factor": 0.5}), ("leaky slope", "mapping_2", {"slope": 0.25}))
pair(
    ("tile without halo", "mapping_2", {"rows": 8, "columns": 8}),
    ("bias of another layer", "mapping_4", {"source": "shrinking"}),
)
pair(("channels rotated", "feature_extraction", {"by": 4}), ("wrong layer scale", "mapping_3", {"factor": 1.09}))
pair(("kernel missing", "mapping_3", {"first": 7, "second": 2}), ("PReLU slopes shifted", "mapping_3", {"by": 1}))
pair(("saturation", "mapping_2", {"part": 0.6}), ("nearest instead of zeros", "deconvolution", {}))
pair(("skip too many", "mapping_3", {"before": "activation"}), ("kernel rotated", "deconvolution", {}), picture="large")
pair(("row wraps around", "mapping_2", {}), ("row wraps around", "mapping_4", {}))
pair(("circular padding", "mapping_3", {}), ("slopes reversed", "mapping_4", {}))
pair(("bias clipped", "mapping_3", {"part": 0.4}), ("slopes negated", "mapping_1", {}))
pair(("input equalised", "input", {}), ("stamps overwritten", "deconvolution", {}))
pair(("one slope for four channels", "shrinking", {}), ("row pairs exchanged", "mapping_2", {}), picture="large")
