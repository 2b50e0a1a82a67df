#include "porting/right_values.hpp"

#include <cmath>
#include <vector>

#include "base/error.hpp"
#include "porting/dump_reading.hpp"
#include "porting/layer_port.hpp"

namespace fsrcnn {
namespace {

constexpr int64_t kMostValues = int64_t{1} << 27;  // of all places

}  // namespace

void RightValues::compute_all() const {
  is_computed_ = true;
  if (!input_ || network_.scale == 0 || input_->shape().c != network_.channels()) return;
  int64_t count = 0;
  for (size_t i = 0; i < network_.layers.size(); ++i) {
    const ValueShape s = shape_at(network_, {static_cast<int64_t>(i), true});
    count += 2 * s.channels * s.scale * s.scale * input_->shape().h * input_->shape().w;
  }
  if (count > kMostValues) return;
  try {
    values_.emplace(NetworkPlace{kNetworkInput, true}, *input_);
    for (size_t i = 0; i < network_.layers.size(); ++i) {
      if (place_of_layer(network_, static_cast<int>(i)) != static_cast<int64_t>(i)) continue;
      const Layer& layer = network_.layers[i];
      const auto read = [&](size_t k) -> const Tensor<float>& {
        return values_.at({place_of_layer(network_, layer.inputs[k]), true});
      };
      const Tensor<float> input = layer.inputs.size() == 2 ? sum_of(read(0), read(1)) : read(0);
      LayerPort port = right_port(network_, i);
      const auto place = static_cast<int64_t>(i);
      values_.emplace(NetworkPlace{place, true}, compute(port, input));
      port.activates = false;
      values_.emplace(NetworkPlace{place, false}, compute(port, input));
    }
  } catch (const Error&) {  // another network's input
    values_.clear();
  }
}

const Tensor<float>* RightValues::at(const NetworkPlace& place) const {
  if (!is_computed_) compute_all();
  const auto found = values_.find(place);
  return found == values_.end() ? nullptr : &found->second;
}

std::optional<double> RightValues::likeness(const Tensor<float>& dump, const NetworkPlace& place) const {
  const Tensor<float>* const right = at(place);
  if (right == nullptr) return std::nullopt;
  const Shape s = dump.shape(), r = right->shape();
  if (dump.count() != r.count()) return 0;
  const bool is_nhwc = s.n == 1 && s.c == r.h && s.h == r.w && s.w == r.c && r.c > 1;
  const Tensor<float> turned = is_nhwc ? channels_first(dump) : Tensor<float>();
  const float* const found = is_nhwc ? turned.data() : dump.data();
  double aa = 0, bb = 0, ab = 0;
  const int64_t size = r.h * r.w;
  for (int64_t c = 0; c < r.c; ++c) {
    const float *const a = found + c * size, *const b = right->plane(0, c);
    double x = 0, y = 0;
    for (int64_t i = 0; i < size; ++i) x += a[i], y += b[i];
    x /= static_cast<double>(size), y /= static_cast<double>(size);
    for (int64_t i = 0; i < size; ++i) {
      aa += (a[i] - x) * (a[i] - x);
      bb += (b[i] - y) * (b[i] - y);
      ab += (a[i] - x) * (b[i] - y);
    }
  }
  const double product = std::sqrt(aa * bb);
  return std::isfinite(product) && product > 0 ? ab / product : 0;
}

}  // namespace fsrcnn
