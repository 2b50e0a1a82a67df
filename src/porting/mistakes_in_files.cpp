// What a loader makes of a layer's files in another order: biases within the kernels' stream, biases and slopes in
// turn, biases in the steps of other channels.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "porting/mistakes.hpp"

namespace fsrcnn {
namespace {

class FileMistakes {
 public:
  FileMistakes(const MistakeContext& context, const LayerPort& port) : context_(context), port_(port) {}

  std::vector<Mistake> all() {
    if (port_.bias.empty()) return {};
    streams();
    biases_and_slopes();
    biases_in_steps();
    return std::move(list_);
  }

 private:
  void add(std::string id, std::string sentence, std::string family, double numbers,
           std::function<void(LayerPort&)> make) {
    list_.push_back({std::move(id), std::move(sentence), std::move(family), true, std::move(make), numbers});
  }

  /// A bias before (behind) the kernels of each output, all read as kernels.
  void streams() {
    if (port_.is_transposed) return;
    for (const bool before : {true, false}) {
      add(fmt::format("biases_in_stream_{}", before ? "before" : "behind"),
          fmt::format(
              "the file has each output's bias {} its kernels, and is read as kernels alone: they are shifted by "
              "one more for each output channel",
              before ? "in front of" : "behind"),
          "kernel", 0.3, [before](LayerPort& p) {
            std::vector<float> stream;
            const int64_t outputs = p.weight.shape().n, each = p.weight.count() / outputs;
            for (int64_t o = 0; o < outputs; ++o) {
              const float* const kernels = p.weight.data() + o * each;
              if (before) stream.push_back(p.bias[static_cast<size_t>(o)]);
              stream.insert(stream.end(), kernels, kernels + each);
              if (!before) stream.push_back(p.bias[static_cast<size_t>(o)]);
            }
            std::copy_n(stream.begin(), p.weight.count(), p.weight.data());
          });
    }
  }

  void biases_and_slopes() {
    const std::vector<float>&bias = port_.bias, &slope = port_.slope;
    if (slope.size() != bias.size() || bias.size() < 2) return;
    std::vector<float> in_turn;
    for (size_t i = 0; i < bias.size(); ++i) in_turn.insert(in_turn.end(), {bias[i], slope[i]});
    const auto half = static_cast<std::ptrdiff_t>(bias.size());
    const std::vector<float> first(in_turn.begin(), in_turn.begin() + half),
        last(in_turn.begin() + half, in_turn.end());
    const bool sees_slopes = context_.output_is_activated || !context_.output_is_dump;
    const auto put = [&](const std::string& id, const std::string& sentence, const std::vector<float>& biases,
                         const std::vector<float>& slopes) {
      add(id, sentence, "bias", 0.3, [biases, slopes, sees_slopes](LayerPort& p) {
        p.bias = biases;
        if (sees_slopes) p.slope = slopes;
      });
    };
    put("bias_and_slope_exchanged", "biases and slopes are exchanged: the biases are the PReLU's slopes", slope, bias);
    put("bias_of_slopes", "the biases are the PReLU's slopes", slope, slope);
    put("bias_and_slope_in_turn",
        "the file has bias and slope of each channel in turn (a structure), and is read as all biases, then all "
        "slopes: the biases are those of half of the channels, with their slopes in between",
        first, last);
  }

  /// Integers in the step of their channel, read with another.
  void biases_in_steps() {
    const Shape s = port_.weight.shape();
    std::vector<double> largest(port_.bias.size(), 0);
    for (int64_t i = 0; i < port_.weight.count(); ++i) {
      const int64_t kernel = i / (s.h * s.w);
      const auto o = static_cast<size_t>(port_.is_transposed ? kernel % s.c : kernel / s.c);
      if (o < largest.size()) largest[o] = std::max<double>(largest[o], std::abs(port_.weight.data()[i]));
    }
    const double most = *std::max_element(largest.begin(), largest.end());
    if (largest.size() < 2 || *std::min_element(largest.begin(), largest.end()) == 0) return;
    for (const bool whole : {true, false}) {
      std::vector<float> biases = port_.bias;
      for (size_t i = 0; i < biases.size(); ++i) {
        biases[i] = static_cast<float>(biases[i] * (whole ? most / largest[i] : largest[i] / most));
      }
      add(fmt::format("biases_by_{}_scale", whole ? "tensor" : "channel"),
          fmt::format("the biases are scaled by {}: each is off by the ratio of the channel's largest weight to the "
                      "largest of all",
                      whole ? "the whole tensor's step, where they are integers in their own channel's"
                            : "their channel's step, where they are integers in the whole tensor's"),
          "bias", 0.3, [biases](LayerPort& p) { p.bias = biases; });
    }
  }

  const MistakeContext& context_;
  const LayerPort& port_;
  std::vector<Mistake> list_;
};

}  // namespace

std::vector<Mistake> mistakes_in_files(const MistakeContext& context, const LayerPort& port) {
  return FileMistakes(context, port).all();
}

}  // namespace fsrcnn
