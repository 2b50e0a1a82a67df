#include "porting/wrong_shapes.hpp"

#include <cmath>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace fsrcnn {

std::string words_of_wrong_shape(const Network& network, const DumpedNetwork& dumped, const PlacedDump& dump,
                                 const Shape& expected) {
  const Shape s = dump.values.shape();
  const std::string layer = layer_of(network, dump.place);
  std::string words =
      fmt::format("{} has the shape {}, where {} gives {}", dump.file, to_string(s), layer, to_string(expected));
  if (expected.c > 1) {
    words += fmt::format(" (or, as NHWC, {})", to_string(Shape{1, expected.h, expected.w, expected.c}));
  }
  words += ".";
  const auto rows_and_columns = [](int64_t rows, int64_t columns) {
    return fmt::format("{} row{} and {} column{}", rows, rows == 1 ? "" : "s", columns, columns == 1 ? "" : "s");
  };
  if (s.c == expected.c && s.n == 1) {
    const PlacedDump* const input = dumped.dump_at({kNetworkInput, true});
    const Shape in = input != nullptr ? input->values.shape() : Shape{0, 0, 0, 0};
    const int64_t dh = s.h - expected.h, dw = s.w - expected.w;
    if (in.h > 0 && in.w > 0 && s.h % in.h == 0 && s.w % in.w == 0 && s.h / in.h == s.w / in.w) {
      words += fmt::format(
          " That is x{} of the input, and {} makes x{}: is it the output of a network of another "
          "scale?",
          s.h / in.h, layer, expected.h / in.h);
    } else if (dh <= 0 && dw <= 0) {
      words += fmt::format(
          " It has {} less. A crop is known by its values, and these lie nowhere in the right ones: "
          "if it is one, the values differ, too; give the whole.",
          rows_and_columns(-dh, -dw));
    } else if (dh >= 0 && dw >= 0) {
      words += fmt::format(" It has {} more, and the right values lie nowhere in it.", rows_and_columns(dh, dw));
    } else {
      words += " Neither a crop nor another scale fits: is it made of another picture?";
    }
    return words;
  }
  std::vector<std::string> others;
  for (size_t i = 0; i < network.layers.size(); ++i) {
    const NetworkPlace place{static_cast<int64_t>(i), true};
    if (place_of_layer(network, static_cast<int>(i)) != place.layer || place.layer == dump.place.layer) continue;
    const ValueShape v = shape_at(network, place), own = shape_at(network, dump.place);
    if (s.n != 1 || s.c != v.channels || s.h != expected.h * v.scale / own.scale) continue;
    if (s.w == expected.w * v.scale / own.scale) others.push_back(layer_of(network, place));
  }
  if (!others.empty()) words += fmt::format(" It would fit {}.", fmt::join(others, ", "));
  return words;
}

}  // namespace fsrcnn
