#include "porting/kept_layers.hpp"

#include <algorithm>
#include <functional>
#include <list>
#include <string_view>

#include "nn/conv2d.hpp"
#include "nn/conv_transpose2d.hpp"

namespace fsrcnn {
namespace {

constexpr size_t kMostKept = 24;                      // layers of each kind
constexpr int64_t kMostWeights = int64_t{1} << 20;    // of a layer that is kept
constexpr int64_t kWorthSharing = int64_t{16} << 20;  // operations

bool same(const Conv2dParams& a, const Conv2dParams& b) {
  return a.stride == b.stride && a.padding == b.padding && a.dilation == b.dilation && a.groups == b.groups &&
         a.padding_mode == b.padding_mode;
}
bool same(const ConvTranspose2dParams& a, const ConvTranspose2dParams& b) {
  return a.stride == b.stride && a.padding == b.padding && a.output_padding == b.output_padding &&
         a.dilation == b.dilation && a.groups == b.groups;
}

template <class Op, class Params>
class Kept {
 public:
  /// The layer with these weights, the last used one first.
  const Op& layer(const Tensor<float>& weight, const Params& params) {
    const size_t hash = std::hash<std::string_view>()(
        {reinterpret_cast<const char*>(weight.data()), sizeof(float) * static_cast<size_t>(weight.count())});
    const auto found = std::find_if(list_.begin(), list_.end(), [&](const Entry& e) {
      return e.hash == hash && same(e.params, params) && e.weight == weight;
    });
    if (found != list_.end()) {
      list_.splice(list_.begin(), list_, found);
    } else {
      if (list_.size() == kMostKept) list_.pop_back();
      list_.push_front({hash, params, weight, Op(weight, {}, params)});
    }
    return list_.front().op;
  }

 private:
  struct Entry {
    size_t hash;
    Params params;
    Tensor<float> weight;
    Op op;
  };
  std::list<Entry> list_;
};

template <class Op, class Params>
Tensor<float> run(const Tensor<float>& input, const Tensor<float>& weight, const Params& params) {
  const Shape in = input.shape();
  ThreadPool& pool = pool_for(in.n * in.h * in.w * weight.count());
  if (weight.count() > kMostWeights) return Op(weight, {}, params)(input, pool);
  thread_local Kept<Op, Params> kept;
  return kept.layer(weight, params)(input, pool);
}

}  // namespace

Tensor<float> kept_conv2d(const Tensor<float>& input, const Tensor<float>& weight, const Conv2dParams& params) {
  return run<Conv2d>(input, weight, params);
}

Tensor<float> kept_conv_transpose2d(const Tensor<float>& input, const Tensor<float>& weight,
                                    const ConvTranspose2dParams& params) {
  return run<ConvTranspose2d>(input, weight, params);
}

ThreadPool& pool_for(int64_t operations) {
  static ThreadPool here(1);
  return operations < kWorthSharing ? here : default_thread_pool();
}

}  // namespace fsrcnn
