#include "porting/suspects.hpp"

#include <algorithm>

namespace fsrcnn {
namespace {

constexpr double kLittleLeft = 0.25;  // of the squared error, by the likeliest
constexpr double kClearlyMore = 4;    // times what the likeliest leaves, by all others

}  // namespace

void Suspects::add(size_t port, const Distance& left, int64_t numbers, const std::string& words) {
  if (port < first_) return;
  const double ratio = left.rms / std::max(before_.rms, 1e-30), values = static_cast<double>(values_);
  const double share = ratio * ratio * values / std::max(1e-3 * values, values - static_cast<double>(numbers));
  Suspicion& of_port = by_port_[port];
  if (share < of_port.left) of_port = {share, words};
}

std::optional<Suspects::Likeliest> Suspects::likeliest() const {
  const auto best = std::min_element(by_port_.begin(), by_port_.end(),
                                     [](const auto& a, const auto& b) { return a.second.left < b.second.left; });
  if (best == by_port_.end() || best->second.left > kLittleLeft) return std::nullopt;
  double others = 1;
  for (const auto& [port, suspicion] : by_port_) {
    if (port != best->first) others = std::min(others, suspicion.left);
  }
  if (others < kClearlyMore * best->second.left) return std::nullopt;
  return Likeliest{best->first, best->second.words, best->second.left, others};
}

}  // namespace fsrcnn
