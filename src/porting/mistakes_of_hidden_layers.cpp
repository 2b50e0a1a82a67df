#include "porting/mistakes_of_hidden_layers.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>

#include <fmt/format.h>

#include "porting/fits.hpp"
#include "porting/kernel_maps.hpp"
#include "porting/port_chain.hpp"

namespace fsrcnn {
namespace {

constexpr std::array<int64_t, 22> kTileSizes = {2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12,
                                                13, 14, 15, 16, 20, 24, 32, 40, 48, 64, 96};
constexpr int64_t kFaint = 1;  // pixels of the input that errors may reach further than the layers

void append(std::vector<Mistake>& list, std::vector<Mistake> more) {
  list.insert(list.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

std::vector<Mistake> in_kernels(const LayerPort& port) {
  std::vector<KernelMap> maps = kernel_maps(port.weight, port.is_transposed);
  std::vector<KernelMap> layouts = kernel_layouts(port.weight, port.is_transposed);
  maps.insert(maps.end(), std::make_move_iterator(layouts.begin()), std::make_move_iterator(layouts.end()));
  std::vector<Mistake> list;
  std::vector<Tensor<float>> known = {port.weight};
  for (KernelMap& map : maps) {
    Tensor<float> weight = map.op(port.weight);
    if (std::find(known.begin(), known.end(), weight) != known.end()) continue;
    known.push_back(std::move(weight));
    list.push_back({std::move(map.id), std::move(map.sentence), "kernel", true,
                    [op = std::move(map.op)](LayerPort& p) { p.weight = op(p.weight); }, map.numbers});
  }
  return list;
}

/// Another activation; slopes and biases by another index than the channel's.
std::vector<Mistake> in_activations(const MistakeContext& context, const Segment& segment, size_t port) {
  const LayerCase any(context, segment.ports()[port], segment.input_of(port), segment.input_of(port + 1),
                      std::numeric_limits<double>::infinity());
  std::vector<Mistake> list = fit_activations(any);
  std::erase_if(list,
                [](const Mistake& m) { return m.id.starts_with("bias_missing_") || m.id.starts_with("bias_twice_"); });
  return list;
}

/// Whether all that is wrong in the output is near seams of such tiles. 0: all rows (columns).
class Seams {
 public:
  Seams(const Segment& segment, size_t port) : shape_(segment.output().shape()) {
    const Tensor<float>&right = segment.right_output(), &found = segment.output();
    const PortChain chain(segment.ports(), segment.input());
    factor_ = chain.scale(segment.ports().size() - 1) / (port == 0 ? 1 : chain.scale(port - 1));
    reach_ = chain.reach_before(port) + kFaint;
    wrong_.assign(static_cast<size_t>(shape_.h * shape_.w), 0);
    for (int64_t i = 0; i < found.count(); ++i) {
      if (difference_of(right.data()[i], found.data()[i]) > segment.tolerance()) {
        wrong_[static_cast<size_t>(i % (shape_.h * shape_.w))] = 1;
      }
    }
  }

  bool may_be(int64_t height, int64_t width) const {
    const auto is_near = [&](int64_t at, int64_t size) {
      const int64_t seam = (at / factor_ + reach_) / size * size;
      return size > 0 && seam > 0 && seam >= at / factor_ - reach_;
    };
    for (int64_t y = 0; y < shape_.h; ++y) {
      if (height > 0 && is_near(y, height)) continue;
      for (int64_t x = 0; x < shape_.w; ++x) {
        if (wrong_[static_cast<size_t>(y * shape_.w + x)] != 0 && (width == 0 || !is_near(x, width))) return false;
      }
    }
    return true;
  }

 private:
  Shape shape_;
  int64_t factor_ = 1, reach_ = 0;
  std::vector<uint8_t> wrong_;  // pixels of the output
};

std::vector<Mistake> in_tiles(const Segment& segment, size_t index) {
  const LayerPort& port = segment.ports()[index];
  const int64_t reach = reach_of(port);
  std::vector<Mistake> list;
  if (reach == 0 || port.is_transposed || port.shuffles()) return list;
  const Shape s = segment.input_of(index).shape();
  const Seams seams(segment, index);
  const auto add = [&](int64_t height, int64_t width) {
    if ((height >= s.h && height > 0) || (width >= s.w && width > 0) || !seams.may_be(height, width)) return;
    for (const PaddingMode seam : {PaddingMode::zeros, PaddingMode::replicate}) {
      for (int64_t halo = 0; halo < reach; ++halo) {
        const Tiles tiles{height, width, halo, seam};
        list.push_back({"tiles", words_of(tiles, reach), "tiles", true, [tiles](LayerPort& p) { p.tiles = tiles; },
                        0.5 + (seam == port.padding_mode ? 0 : 0.1) + (height > 0 && width > 0 ? 0.3 : 0)});
      }
    }
  };
  for (const int64_t size : kTileSizes) {
    add(size, 0);
    add(0, size);
    add(size, size);
  }
  return list;
}

}  // namespace

std::vector<Mistake> mistakes_of_hidden_layer(const MistakeContext& context, const Segment& segment, size_t port) {
  const LayerPort& p = segment.ports()[port];
  if (!p.convolves || !p.has_weight() || !is_differentiable(p) || !segment.right().fits) return {};
  std::vector<Mistake> list = in_kernels(p);
  append(list, groups_of(p));
  append(list, in_activations(context, segment, port));
  append(list, in_tiles(segment, port));
  return list;
}

}  // namespace fsrcnn
