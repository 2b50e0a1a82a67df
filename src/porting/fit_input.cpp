// What was done to the picture before the first layer read it, fitted to the input that was solved for.
#include <algorithm>
#include <cmath>
#include <iterator>

#include "porting/fits.hpp"

namespace fsrcnn {
namespace {

constexpr double kSolvedTo = 1e-4;   // how well an input is known that was solved for
constexpr double kInputShare = 0.9;  // of the pixels, that a cause must explain to be given

/// A layer that gives what it reads, of which a picture's mistakes are those of the output.
LayerPort nothing_done(size_t layer) {
  LayerPort port;
  port.name = "input";
  port.layer = layer;
  port.is_last = true;
  port.clamps = false;
  port.fixed = [](const Tensor<float>& t) { return t; };
  return port;
}

void replace_all(std::string& text, const std::string& what, const std::string& with) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
}

}  // namespace

std::vector<Mistake> fit_input(const MistakeContext& context, const Tensor<float>& given, const Tensor<float>& solved,
                               double tolerance) {
  if (given.shape() != solved.shape()) return {};
  tolerance = std::max(tolerance, kSolvedTo);
  const LayerPort right = nothing_done(context.layer);
  const LayerCase layer(context, right, given, solved, tolerance);
  std::vector<Mistake> list;
  for (const auto fit : {fit_values, fit_orders, fit_sources, fit_shifts, fit_filters, fit_curves, fit_pictures}) {
    for (Mistake& m : fit(layer)) {
      LayerPort wrong = right;
      m.make(wrong);
      const Tensor<float> made = compute(wrong, given);
      if (made.shape() != solved.shape()) continue;
      int64_t same = 0;
      for (int64_t i = 0; i < made.count(); ++i) {
        same += std::abs(made.data()[i] - solved.data()[i]) <= tolerance ? 1 : 0;
      }
      if (static_cast<double>(same) < kInputShare * static_cast<double>(made.count())) continue;
      replace_all(m.sentence, "the output", "the input");
      if (m.id.starts_with("output_")) m.id = "input_" + m.id.substr(7);
      m.family = "input_moved";
      m.local = false;
      m.numbers += 0.1;
      m.make = [wrong](LayerPort& p) {
        p.before.emplace_back([wrong](const Tensor<float>& t) { return compute(wrong, t); });
      };
      list.push_back(std::move(m));
    }
  }
  return list;
}

}  // namespace fsrcnn
