#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "porting/samples.hpp"

namespace fsrcnn {

/// How much of an output's error each layer explains, if it alone is wrong in one of the ways that were tried.
class Suspects {
 public:
  /// `before`: what the right layers leave, in so many values that are wrong. Layers before `first` cannot be it.
  Suspects(const Distance& before, int64_t values, size_t first) : before_(before), values_(values), first_(first) {}

  /// What a layer leaves with so many numbers that were solved for. `words`: the way in which it is wrong.
  void add(size_t port, const Distance& left, int64_t numbers, const std::string& words);

  struct Likeliest {
    size_t port;
    std::string words;
    double left, left_by_others;  ///< of the squared error
  };
  /// The layer that explains most of it, if none of the others comes near.
  std::optional<Likeliest> likeliest() const;

 private:
  struct Suspicion {
    double left = 1;
    std::string words;
  };

  Distance before_;
  int64_t values_;
  size_t first_;
  std::map<size_t, Suspicion> by_port_;
};

}  // namespace fsrcnn
