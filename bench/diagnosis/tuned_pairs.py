"""Two mistakes at once, at two layers or at one, of kinds that may be looked at."""

import tuned_channels  # noqa: F401
import tuned_loader  # noqa: F401
import tuned_more_channels  # noqa: F401
import tuned_more_input  # noqa: F401
import tuned_more_loader  # noqa: F401
import tuned_more_numbers  # noqa: F401
import tuned_more_places  # noqa: F401
import tuned_numbers  # noqa: F401
import tuned_places  # noqa: F401
from cases import pair

pair(("replicated padding", "mapping_3", {}), ("bias twice", "mapping_3", {}))
pair(("kernel not turned", "deconvolution", {}), ("bias negated", "deconvolution", {}))
pair(("dead channel", "feature_extraction", {"channel": 17}), ("ReLU for PReLU", "mapping_3", {}))
pair(("input range", "input", {"how": "full"}), ("kernel not turned", "deconvolution", {}))
pair(("tile edges replicated", "mapping_2", {"size": 8}), ("pipeline delay", "expanding", {"pixels": 1}))
pair(("kernel transposed", "mapping_1", {}), ("one slope for all", "mapping_1", {"channel": 0}))
pair(("weights in HWIO order", "shrinking", {}), ("constant padding", "mapping_2", {"value": 0.5}))
pair(
    ("clipped above", "mapping_1", {"part": 0.5}), ("wrong channel scale", "expanding", {"channel": 30, "factor": 0.5})
)
pair(
    ("stale kernels", "mapping_2", {"first": 4, "second": 9}), ("bias shifted", "expanding", {"by": 1}), picture="large"
)
pair(("phases exchanged", "deconvolution", {"first": (0, 1), "second": (1, 0)}), ("bias twice", "deconvolution", {}))
pair(("tearing", "mapping_2", {}), ("one tap twice", "mapping_3", {"tap": (1, 1)}))
pair(("input by BT.709", "input", {}), ("channel negated", "mapping_3", {"channel": 4}))
pair(("kernel mirrored", "mapping_1", {"axis": -1}), ("one bias wrong", "mapping_1", {"channel": 7}))
pair(("slopes by columns", "mapping_1", {}), ("smoothing left in", "deconvolution", {}))
