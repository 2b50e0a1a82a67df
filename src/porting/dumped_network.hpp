#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "porting/diagnose.hpp"
#include "porting/layer_port.hpp"

namespace fsrcnn {

/// A dump at its place.
struct PlacedDump {
  NetworkPlace place;
  std::string file;
  Tensor<float> values;
  double quantum = 0;  ///< the step that its values come in; 0: none
  bool is_picture = false;
  std::string matched = {}, form = {};           ///< as LayerFinding's
  std::optional<Quantisation> integers_of = {};  ///< the stated scale by which its integers were read
  std::optional<Quantisation> stated = {};       ///< the scale that is stated for this file
};

/// A chain of layers that leads from one dump to another.
struct Chain {
  const PlacedDump* from = nullptr;
  std::vector<LayerPort> ports;
};

/// What the layers make of an input. Throws Error(input) if shapes do not fit.
Tensor<float> run(const std::vector<LayerPort>& ports, const Tensor<float>& input);

/// Infinite if shapes differ.
double largest_difference(const Tensor<float>& a, const Tensor<float>& b);

/// Whether a dump of the network's output is without its clamp: many ports clamp only when they write the picture.
bool is_before_clamp(const PlacedDump& dump, std::vector<LayerPort> ports, const Tensor<float>& input,
                     double tolerance);

/// A network with the dumps that there are, in the order of the layers.
class DumpedNetwork {
 public:
  /// Throws Error(usage) for a dump whose name means no place, and for two that mean the same one but hold other
  /// values; Error(input) if fewer than two are left.
  explicit DumpedNetwork(const DiagnoseRequest& request);

  std::vector<PlacedDump>& dumps() { return dumps_; }
  const std::vector<PlacedDump>& dumps() const { return dumps_; }
  const std::vector<std::string>& notes() const { return notes_; }

  const Layer& layer_at(const NetworkPlace& place) const { return network_.layers[static_cast<size_t>(place.layer)]; }
  /// What the network says of the integers at a place.
  std::optional<Quantisation> stated_at(const NetworkPlace& place) const;
  const PlacedDump* dump_at(const NetworkPlace& place) const;
  /// The chain to a place; without a dump to begin with where two values are added before one is met, or none is.
  Chain chain_to(const NetworkPlace& to) const;
  /// What the layers make of the dumps before a place; empty if these are too few.
  std::optional<Tensor<float>> value_of(const NetworkPlace& place) const;
  /// The dump at a place, or else value_of() it.
  std::optional<Tensor<float>> dump_or_value(const NetworkPlace& place) const;

 private:
  using Known = std::map<NetworkPlace, std::optional<Tensor<float>>>;
  const std::optional<Tensor<float>>& known_value(const NetworkPlace& place, Known& known) const;
  std::optional<Tensor<float>> computed(const NetworkPlace& place, Known& known) const;
  /// Brings what was dumped before its place's depth to space into the order behind it.
  void shuffle(PlacedDump& dump) const;
  void drop_repeated();

  const Network& network_;
  std::vector<PlacedDump> dumps_;
  std::vector<std::string> notes_;
};

}  // namespace fsrcnn
