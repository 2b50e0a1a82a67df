#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "network/network.hpp"
#include "porting/dump_words.hpp"
#include "porting/network_place.hpp"
#include "porting/right_values.hpp"
#include "porting/tensor_file.hpp"

namespace fsrcnn {

/// A tensor that was found, with what it may be called by.
struct DumpCandidate {
  /// How surely its place is known, the surest first.
  enum class Rank { name, key, role, number, shape, values };

  std::string file, name;  ///< of the file, with the array's in an archive; without suffix
  TensorFile tensor;
  bool is_picture = false;
  std::optional<NetworkPlace> place = {};
  std::string matched = {};  ///< in words; "" if the name is the place's
  Rank rank = Rank::name;
  std::string lost = {};  ///< why another file is compared at the place that it would have
};

/// Finds the places of tensors by what they are called, by their numbers, by their shapes, or by their values.
class DumpMatcher {
 public:
  DumpMatcher(const Network& network, const std::optional<Tensor<float>>& input)
      : network_(network), right_(network, input) {
    for (size_t i = 0; i < network.layers.size(); ++i) {
      if (place_of_layer(network, static_cast<int>(i)) == static_cast<int64_t>(i)) {
        places_.push_back({static_cast<int64_t>(i), true});
      }
    }
    if (input) pixels_ = input->shape().h * input->shape().w;
  }

  /// Sets the place of each that has one. No two have the same one, unless they hold the same.
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

  /// As many values as the place has, whatever their order; where the picture's size is unknown, a whole number of
  /// pixels.
  bool fits(const DumpCandidate& c, const NetworkPlace& place) const;
  bool fits_input(const DumpCandidate& c) const;
  /// Whether the values before and after the activation are not the same.
  bool bends(const NetworkPlace& layer) const;
  /// Of a layer, before or after its activation: as the name says, or as the values do, or after it.
  NetworkPlace place_of(const DumpCandidate& c, const NetworkPlace& layer, DumpState state) const;
  std::optional<double> likeness(const DumpCandidate& c, const NetworkPlace& place) const;
  /// Whether another dump is known to be of the place.
  bool is_taken(const NetworkPlace& place) const;

 private:
  /// Names in the folder count this layer's like from 0, so that "mapping_1" is mapping 2.
  bool is_counted_from_zero(const NetworkPlace& place) const;
  bool fits_any(const DumpCandidate& c) const;
  std::vector<std::string> layers_that_fit(const DumpCandidate& c) const;
  /// A key of the state_dict, or a layer's name with depth to space behind it, among other words.
  void by_key(DumpCandidate& c) const;
  /// A step of a transposed convolution, as trace names it, which is no layer's value.
  bool is_step_within(const DumpCandidate& c) const;
  /// Words that say what kind of layer it is, and the numbers of those that are alike.
  /// `lone`: names of which there is one alone.
  void by_words(std::vector<DumpCandidate>& all, bool lone) const;
  void by_role(DumpCandidate& c, const DumpWords& words, const std::vector<NetworkPlace>& layers) const;
  std::vector<NetworkPlace> layers_of(DumpRole role) const;
  /// Of the input, as the tensors with places tell it.
  void find_pixels(const std::vector<DumpCandidate>& all);
  /// The first number in a file's name.
  static std::optional<int64_t> number_of(const DumpCandidate& c);
  /// Names without a place beside others that count the layers: "layer2_thin" beside "layer3_mapping_0".
  void by_number_of_others(std::vector<DumpCandidate>& all) const;
  /// Files without a place whose names have numbers: in their order they are the layers, with or without the input, or
  /// each layer before and after its activation, if all shapes agree.
  void by_number(std::vector<DumpCandidate>& all) const;
  /// Of two dumps whose names mean one layer before its activation, the one that says so is that, and the other the
  /// activated one: "head_conv" and "head".
  void by_before_and_after(std::vector<DumpCandidate>& all) const;
  /// The only layer with such a shape that has no dump yet.
  void by_shape(DumpCandidate& c, const std::vector<DumpCandidate>& all) const;
  /// The place without a dump that its values are far more like than any other.
  void by_values(DumpCandidate& c, const std::vector<DumpCandidate>& all) const;
  /// Of several at one place: one is the other side of the activation, or the surest stays.
  void settle(std::vector<DumpCandidate>& all) const;

  bool is_activation_of(const DumpCandidate& after, const DumpCandidate& before, const NetworkPlace& place) const;

  const Network& network_;
  RightValues right_;
  std::vector<DumpCandidate>* all_ = nullptr;  // while they are matched
  std::vector<NetworkPlace> places_;           // of all layers, after their activation
  int64_t pixels_ = 0;                         // of the input; 0: unknown
};

}  // namespace fsrcnn
