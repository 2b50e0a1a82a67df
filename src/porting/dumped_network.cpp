#include "porting/dumped_network.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/error.hpp"
#include "nn/depth_to_space.hpp"
#include "porting/dump_reading.hpp"
#include "porting/segment.hpp"
#include "porting/trace.hpp"

namespace fsrcnn {
namespace {

/// The first dump, with which nothing can be compared, in the shape of its place: NHWC, or with fewer axes, as NCHW.
Tensor<float> with_channels(Tensor<float> t, int64_t channels) {
  const Shape s = t.shape();
  if (s.c == channels || s.n != 1) return t;
  if (s.w == channels) return channels_first(t);
  if (s.c == 1 && s.h % channels == 0) return {{1, channels, s.h / channels, s.w}, std::move(t.values())};
  return t;
}

}  // namespace

Tensor<float> run(const std::vector<LayerPort>& ports, const Tensor<float>& input) {
  Tensor<float> x = input;
  for (const LayerPort& port : ports) x = compute(port, x);
  return x;
}

double largest_difference(const Tensor<float>& a, const Tensor<float>& b) {
  if (a.shape() != b.shape()) return std::numeric_limits<double>::infinity();
  double largest = 0;
  for (int64_t i = 0; i < a.count(); ++i) largest = std::max(largest, difference_of(a.data()[i], b.data()[i]));
  return largest;
}

bool is_before_clamp(const PlacedDump& dump, std::vector<LayerPort> ports, const Tensor<float>& input,
                     double tolerance) {
  if (!ports.back().is_last || !ports.back().activates) return false;
  ports.back().clamps = false;
  try {
    return largest_difference(run(ports, input), dump.values) <= tolerance;
  } catch (const Error&) {
    return false;  // of another shape
  }
}

DumpedNetwork::DumpedNetwork(const DiagnoseRequest& request) : network_(*request.network) {
  if (request.input) dumps_.push_back({{-1, true}, "input", *request.input});
  for (const Dump& dump : request.dumps) {
    const auto place = parse_place(network_, dump.name);
    if (!place) {
      const std::string first = dump_name(network_.layers.front().name, "");
      fail(ErrorCode::usage,
           "there is no layer '{}' in the network; expected input, a layer such as '{}', {}_convolution, "
           "mid (what the last layer reads) or preds (the output)",
           dump.name, first, first);
    }
    if (place->layer < 0 && request.input) fail(ErrorCode::usage, "the input is given twice");
    dumps_.push_back({*place, dump.file, dump.tensor.to_float(), 0, dump.is_picture, dump.matched});
    dumps_.back().stated = dump.integers_of;
    const Shape shape = dumps_.back().values.shape();
    if (shape.count() == 0) {
      fail(ErrorCode::input, "{} has no values: its shape is {}", dump.file.empty() ? dump.name : dump.file,
           to_string(shape));
    }
    if (is_before_depth_to_space(network_, *place, shape)) shuffle(dumps_.back());
  }
  std::stable_sort(dumps_.begin(), dumps_.end(), [](const auto& a, const auto& b) { return a.place < b.place; });
  drop_repeated();
  if (dumps_.size() < 2) {
    fail(ErrorCode::input,
         "there is nothing to compare: two tensors of the network are needed, such as the input and the output; give "
         "two or more with --feature and --reference (--input counts as one)");
  }
  dumps_[0].values = with_channels(std::move(dumps_[0].values), shape_at(network_, dumps_[0].place).channels);
  // Shapes that do not say where channels are, or that have none, take those of the picture.
  const Shape first = dumps_.front().values.shape();
  const int64_t first_scale = shape_at(network_, dumps_.front().place).scale;
  for (PlacedDump& dump : dumps_) {
    const auto [channels, scale] = shape_at(network_, dump.place);
    const Shape expected{1, channels, first.h * scale / first_scale, first.w * scale / first_scale};
    const bool is_nhwc = dump.values.shape() == Shape{1, expected.h, expected.w, channels};
    if (const Shape s = dump.values.shape();
        !dump.is_picture && channels > 1 && s.n == 1 && s.c > channels && s.h == expected.h && s.w == expected.w) {
      // Vectors are filled up to whole ones.
      std::vector<float>& values = dump.values.values();
      values.resize(static_cast<size_t>(expected.count()));
      dump.values = Tensor<float>(expected, std::move(values));
      dump.form = fmt::format("the first {} of {} channels", channels, s.c);
    }
    if (dump.values.shape() != expected && !is_nhwc && dump.values.count() == expected.count()) {
      dump.values = Tensor<float>(expected, std::move(dump.values.values()));
    }
    if (dump.place.layer >= 0) dump.quantum = step_of_dump(dump.values);
    const auto stated = stated_at(dump.place);
    if (&dump == &dumps_.front() && stated) {
      if (are_integers(dump.values)) dump.values = dequantised(dump.values, *stated);
      dump.integers_of = stated;
    }
  }
}

void DumpedNetwork::shuffle(PlacedDump& dump) const {
  const int64_t factor = network_.layers[*depth_to_space_after(network_, static_cast<size_t>(dump.place.layer))].factor;
  const int64_t channels = shape_at(network_, dump.place).channels * factor * factor;
  if (dump.values.shape().c != channels) dump.values = channels_first(dump.values);
  dump.values = depth_to_space(dump.values, factor);
  dump.form = "before its depth to space";
}

void DumpedNetwork::drop_repeated() {
  for (size_t i = 1; i < dumps_.size();) {
    const PlacedDump &a = dumps_[i - 1], &b = dumps_[i];
    if (a.place != b.place) {
      ++i;
      continue;
    }
    if (a.values.values() != b.values.values() && a.form != b.form) {
      const bool first = b.form.empty();  // the other is from before depth to space
      notes_.push_back(fmt::format("{} is not compared, because {} is the same behind depth to space.",
                                   first ? a.file : b.file, first ? b.file : a.file));
      dumps_.erase(dumps_.begin() + static_cast<std::ptrdiff_t>(first ? i - 1 : i));
      continue;
    }
    if (a.values.values() != b.values.values()) {
      fail(ErrorCode::usage, "{} and {} are both said to be {} {}, but hold other values", a.file, b.file,
           layer_of(network_, a.place), step_of(network_, a.place));
    }
    if (a.file != b.file) notes_.push_back(fmt::format("{} holds the same as {}.", b.file, a.file));
    dumps_.erase(dumps_.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

std::optional<Quantisation> DumpedNetwork::stated_at(const NetworkPlace& place) const {
  if (const PlacedDump* const dump = dump_at(place); dump != nullptr && dump->stated) return dump->stated;
  if (place.layer < 0) return network_.input_quantisation;
  const Layer& layer = layer_at(place);
  const bool is_output = place.activated || layer.activation == Layer::Activation::none;
  return is_output ? layer.quantisation : layer.before_activation;
}

const PlacedDump* DumpedNetwork::dump_at(const NetworkPlace& place) const {
  const auto found = std::find_if(dumps_.begin(), dumps_.end(), [&](const auto& d) { return d.place == place; });
  return found == dumps_.end() ? nullptr : &*found;
}

Chain DumpedNetwork::chain_to(const NetworkPlace& to) const {
  Chain chain;
  for (int64_t at = to.layer; at >= 0;) {
    LayerPort port = right_port(network_, static_cast<size_t>(at));
    port.activates = at != to.layer || to.activated;
    const bool adds = layer_at({at}).op == Layer::Op::add;
    const PlacedDump* const not_activated = port.activates ? dump_at({at, false}) : nullptr;
    port.convolves = not_activated == nullptr;
    chain.ports.insert(chain.ports.begin(), std::move(port));
    chain.from = not_activated;
    if (not_activated != nullptr || adds) return chain;
    at = place_of_layer(network_, layer_at({at}).inputs[0]);
    chain.from = dump_at({at, true});
    if (chain.from != nullptr) return chain;
  }
  return chain;
}

std::optional<Tensor<float>> DumpedNetwork::value_of(const NetworkPlace& place) const {
  Known known;
  return computed(place, known);
}

std::optional<Tensor<float>> DumpedNetwork::dump_or_value(const NetworkPlace& place) const {
  Known known;
  return known_value(place, known);
}

const std::optional<Tensor<float>>& DumpedNetwork::known_value(const NetworkPlace& place, Known& known) const {
  const auto found = known.find(place);
  if (found != known.end()) return found->second;
  const PlacedDump* dump = dump_at(place);
  return known[place] = dump != nullptr ? dump->values : computed(place, known);
}

std::optional<Tensor<float>> DumpedNetwork::computed(const NetworkPlace& place, Known& known) const {
  if (place.layer < 0) return std::nullopt;
  LayerPort port = right_port(network_, static_cast<size_t>(place.layer));
  port.activates = place.activated;
  if (place.activated) {
    if (const PlacedDump* dump = dump_at({place.layer, false})) {
      port.convolves = false;
      return compute(port, dump->values);
    }
  }
  const Layer& layer = layer_at(place);
  std::vector<const Tensor<float>*> read;
  for (const int from : layer.inputs) {
    const std::optional<Tensor<float>>& value = known_value({place_of_layer(network_, from), true}, known);
    if (!value) return std::nullopt;
    read.push_back(&*value);
  }
  return compute(port, read.size() == 2 ? sum_of(*read[0], *read[1]) : *read[0]);
}

}  // namespace fsrcnn
