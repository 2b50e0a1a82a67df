#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "network/network.hpp"
#include "porting/network_place.hpp"
#include "porting/tensor_file.hpp"

namespace fsrcnn {

/// A tensor that was found, with what it may be called by.
struct DumpCandidate {
  std::string file, name;  ///< of the file, with the array's in an archive; without suffix
  TensorFile tensor;
  bool is_picture = false;
  std::optional<NetworkPlace> place = {};
  std::string matched = {};
};

/// Finds the places of tensors by what they are called, by their numbers, or by their shapes.
class DumpMatcher {
 public:
  DumpMatcher(const Network& network, const std::optional<Shape>& input) : network_(network), input_(input) {
    for (size_t i = 0; i < network.layers.size(); ++i) {
      if (place_of_layer(network, static_cast<int>(i)) == static_cast<int64_t>(i)) {
        places_.push_back({static_cast<int64_t>(i), true});
      }
    }
    if (input) pixels_ = input->h * input->w;
  }

  /// Sets the place of each that has one.
  void match(std::vector<DumpCandidate>& all);
  /// Whether a tensor has the shape of the convolution before the depth to space of its place.
  bool comes_before_shuffle(const DumpCandidate& c) const;
  /// Whether a tensor's name has that of a place's layer in it.
  bool names_layer(const DumpCandidate& c, const NetworkPlace& place) const;
  /// The layer that a tensor is a step of, by its name; "" if it is none.
  std::string layer_of_step(const DumpCandidate& c) const;
  bool is_step(const DumpCandidate& c) const { return !layer_of_step(c).empty(); }

  /// Why a tensor has no place.
  std::string reason(const DumpCandidate& c) const;

 private:
  static bool has_pair(const std::vector<std::string>& tokens, const std::string& prefix, const std::string& number);
  /// As many values as the place has, whatever their order; where the picture's size is unknown, a whole number of
  /// pixels.
  bool fits(const DumpCandidate& c, const NetworkPlace& place) const;
  bool fits_any(const DumpCandidate& c) const;
  std::vector<std::string> layers_that_fit(const DumpCandidate& c) const;
  /// A key of the state_dict, or a layer's name or its beginning, among other words.
  void by_name(DumpCandidate& c) const;
  static bool has(const std::vector<std::string>& tokens, std::string_view word);
  /// Of the input, as the tensors with places tell it.
  void find_pixels(const std::vector<DumpCandidate>& all);
  /// The first number in a file's name.
  static std::optional<int64_t> number_of(const DumpCandidate& c);
  /// Names without a place beside others that count the layers: "layer2_reduce" beside "layer3_mapping_0".
  void by_number_of_others(std::vector<DumpCandidate>& all) const;
  /// Files without a place whose names have numbers: in their order they are the layers, with or without the input, or
  /// each layer before and after its activation, if all shapes agree.
  void by_number(std::vector<DumpCandidate>& all) const;
  /// Of two dumps whose names mean one layer before its activation, the one that says so is that, and the other the
  /// activated one: "head_conv" and "head".
  void by_before_and_after(std::vector<DumpCandidate>& all) const;
  bool fits_input(const DumpCandidate& c) const;
  /// The only layer with such a shape that has no dump yet.
  void by_shape(DumpCandidate& c, const std::vector<DumpCandidate>& all) const;

  const Network& network_;
  const std::optional<Shape> input_;
  std::vector<NetworkPlace> places_;  // of all layers, after their activation
  int64_t pixels_ = 0;                // of the input; 0: unknown
  bool counts_from_zero_ = false;     // "mapping_0" is mapping 1
};

}  // namespace fsrcnn
