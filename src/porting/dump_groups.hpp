#pragma once

#include <string>
#include <vector>

#include "porting/dump_matcher.hpp"
#include "porting/dump_words.hpp"

namespace fsrcnn {

/// Names that differ in their numbers alone: "conv1", "relu1", "conv2"; "body.0", "body.1"; "conv3_1", "conv3_2". Their
/// numbers count layers, or modules (a convolution and its activation are two), from 0 or from 1, or only tell the
/// order. What fits the shapes of all is taken; of several the one whose values are most like the network's, or, where
/// these are unknown, the usual.
class DumpGroup {
 public:
  DumpGroup(const DumpMatcher& matcher, std::vector<NetworkPlace> layers, bool is_role, bool counts_from_zero)
      : matcher_(matcher), layers_(std::move(layers)), is_role_(is_role), counts_from_zero_(counts_from_zero) {}

  void add(DumpCandidate& candidate, DumpWords words) { members_.push_back({&candidate, std::move(words)}); }
  size_t size() const { return members_.size(); }

  /// Gives all of them their places; false: none of the ways fits, or two fit equally well.
  bool match();

 private:
  struct Member {
    DumpCandidate* candidate;
    DumpWords words;
  };
  /// Places of all members, or none.
  struct Way {
    std::vector<NetworkPlace> places;
    std::string words;
    double score = 0;
  };

  void by_count(bool modules, int64_t first);
  void by_order(bool modules);
  /// The place of a layer, of the activation that a name tells, its values, or else its convolution.
  NetworkPlace place_of(const Member& member, const NetworkPlace& layer) const;
  void judge(Way way, double prior, bool counts_layers);
  /// What numbers count: layers, or also their convolutions apart from their activations.
  std::vector<NetworkPlace> counted(bool modules) const;

  const DumpMatcher& matcher_;
  std::vector<NetworkPlace> layers_;
  bool is_role_, counts_from_zero_;
  std::vector<Member> members_;
  std::vector<Way> ways_;
};

}  // namespace fsrcnn
