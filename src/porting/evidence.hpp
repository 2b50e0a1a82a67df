#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/tensor.hpp"

namespace fsrcnn {

/// Some of the channels, rows or columns of a tensor.
struct IndexSet {
  int64_t extent = 0;                 ///< how many there are
  std::vector<int64_t> indices = {};  ///< ascending

  bool is_all() const { return static_cast<int64_t>(indices.size()) == extent; }
  bool operator==(const IndexSet&) const = default;
};

/// "row 5", "the last 2 rows", "rows 3 to 9", "each second row (1, 3, 5, ...)", "every 48th row from row 47 on", "37 of
/// the 112 rows (3, 4, 9, ...)"; of all: "all 112 rows". `noun` is "row", "column", "channel".
std::string to_words(const IndexSet& set, std::string_view noun);

/// A statement that holds for every value it speaks of, to the tolerance. `numbers` and `indices` by id:
///
///   constant: {value}; all of the tensor is this value
///   mostly: {value, share, expected share}; half of the tensor or more is this value
///   differing_constant: {value}; all values that differ are it
///   channel_constant: values, channels; these channels have one value each, where several are expected
///   not_finite: indices {channel, row, column} of the first
///   offset: {found - expected}, of all that differ
///   factor: {found / expected}, of all that differ
///   affine: {a, b}; found = a * expected + b, everywhere
///   channel_offset, channel_factor: one for each channel; of all that differ
///   channel_affine: a of each channel, then b of each; everywhere
///   clipped_low, clipped_high: {value}; found = max(expected, value) or min(expected, value), everywhere
///   negative_factor, positive_factor: {k}; found = k * expected where that is below (above) 0; all else agrees
///   channel_negative_factor, channel_positive_factor: k of each channel
///   wrapped: {modulus}; found is expected, wrapped into [-modulus / 2, modulus / 2) or [0, modulus)
///   multiple: {m}; each error is a whole multiple of m
///   rounded, truncated: {step, zero}; found = zero + step * integer, the nearest or the next lower one
///   steps: {step, zero}; found = zero + step * integer, but not the nearest
///   shifted: indices {dy, dx}; found(y, x) = expected(y - dy, x - dx), but for the border
///   delayed: indices {n}; found[i] = expected[i - n] in raster order, in each channel
///   delayed_lanes: indices {n}; the same in the order row, column, channel
///   channels_permuted, rows_permuted, columns_permuted: found i is expected indices[i] (-1: of no other)
///   phases_permuted: indices {scale, for each phase, row first, the number of the expected one}
///   flipped: indices {1: upside down, 2: mirrored, 3: both}
///   axes: indices are the order that the values are in: 0 channel, 1 row, 2 column
///   negative_only, positive_only: all that differ are expected to be so
///   higher_only, lower_only: all that differ are too high, or too low
///   grows: numbers {RMS in the first eighth, in the last}, indices {axis}; 1 row, 2 column
struct Fact {
  std::string id, sentence;
  std::vector<double> numbers = {};
  std::vector<int64_t> indices = {};
};

/// How a tensor differs from the one that it should be, as far as it can be told without a guess.
struct Evidence {
  Shape shape = {0, 0, 0, 0};
  double tolerance = 0;
  int64_t differing = 0;                  ///< values, of shape.count()
  double largest = 0, rms = 0, mean = 0;  ///< of found - expected, over all that is finite; `largest` is a magnitude
  double found_low = 0, found_high = 0, expected_low = 0, expected_high = 0;
  std::vector<int64_t> worst;        ///< channel, row, column
  IndexSet channels, rows, columns;  ///< that have values which differ
  bool is_border = false;  ///< all that differ lie within border_depth pixels of the edge, and the interior agrees
  int64_t border_depth = 0;
  std::vector<int64_t> by_phase;   ///< values that differ for each phase of scale x scale; empty for scale 1
  std::vector<double> by_channel;  ///< RMS of the error
  std::vector<Fact> facts;         ///< those that say most come first
  std::string place;               ///< "channels 3 and 7, the last 2 columns"; "" if nothing differs
  std::string sentence;  ///< place, size and the first fact: "channels 3 and 7, the last 2 columns, by up to 0.31"
  std::vector<std::string> sentences;  ///< all that can be said, in words
  std::vector<std::string> map;  ///< lines of characters: the largest error over all channels, from '.' (none) to '9'

  const Fact* fact(std::string_view id) const;
};

/// Compares two tensors (1, C, H, W) of one shape. `tolerance` is absolute; `scale` is that of the network's output
/// against its input where the tensor is the output, to look at its phases.
Evidence gather_evidence(const Tensor<float>& expected, const Tensor<float>& found, double tolerance,
                         int64_t scale = 1);

}  // namespace fsrcnn
