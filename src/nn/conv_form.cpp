#include "nn/conv_form.hpp"

#include <algorithm>
#include <map>

namespace fsrcnn {
namespace {

int64_t floor_divide(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

// Things that meet the same others, by these others.
template <class Meet>
std::map<std::vector<int>, std::vector<int>> grouped(int things, int others, const Meet& meet) {
  std::map<std::vector<int>, std::vector<int>> groups;
  for (int i = 0; i < things; ++i) {
    std::vector<int> met;
    for (int j = 0; j < others; ++j) {
      if (meet(i, j)) met.push_back(j);
    }
    groups[met].push_back(i);
  }
  return groups;
}

}  // namespace

ConvAxis conv_axis(int64_t kernel, int64_t stride, int64_t padding, int64_t dilation) {
  ConvAxis axis{.in_stride = stride, .out_stride = 1, .offsets = {}, .phases = {0}, .kernel = {}};
  for (int64_t k = 0; k < kernel; ++k) {
    axis.offsets.push_back(k * dilation - padding);
    axis.kernel.push_back(static_cast<int>(k));
  }
  return axis;
}

ConvAxis conv_transpose_axis(int64_t kernel, int64_t stride, int64_t padding, int64_t dilation) {
  ConvAxis axis{.in_stride = 1, .out_stride = stride, .offsets = {}, .phases = {}, .kernel = {}};
  // Input i reaches output i * stride + reach = j * stride + phase.
  const auto offset = [&](int64_t k) { return -floor_divide(k * dilation - padding, stride); };
  const auto phase = [&](int64_t k) { return k * dilation - padding + offset(k) * stride; };
  for (int64_t k = 0; k < kernel; ++k) {
    axis.offsets.push_back(offset(k));
    axis.phases.push_back(phase(k));
  }
  for (auto* values : {&axis.offsets, &axis.phases}) {
    std::sort(values->begin(), values->end());
    values->erase(std::unique(values->begin(), values->end()), values->end());
  }
  axis.kernel.assign(axis.offsets.size() * axis.phases.size(), -1);
  const auto index = [](const std::vector<int64_t>& values, int64_t value) {
    return static_cast<size_t>(std::lower_bound(values.begin(), values.end(), value) - values.begin());
  };
  for (int64_t k = 0; k < kernel; ++k) {
    axis.kernel[index(axis.offsets, offset(k)) * axis.phases.size() + index(axis.phases, phase(k))] =
        static_cast<int>(k);
  }
  return axis;
}

std::vector<ConvClass> taps_by_phases(const ConvAxis& axis) {
  std::vector<ConvClass> result;
  for (auto& [phases, taps] :
       grouped(axis.taps(), axis.phase_count(), [&](int t, int p) { return axis.kernel_at(t, p) >= 0; })) {
    result.push_back({taps, phases});
  }
  return result;
}

std::vector<ConvClass> phases_by_taps(const ConvAxis& axis) {
  std::vector<ConvClass> result;
  for (auto& [taps, phases] :
       grouped(axis.phase_count(), axis.taps(), [&](int p, int t) { return axis.kernel_at(t, p) >= 0; })) {
    result.push_back({taps, phases});
  }
  return result;
}

ConvForm conv2d_form(const Shape& weight, const Conv2dParams& p) {
  return {.y = conv_axis(weight.h, p.stride.h, p.padding.h, p.dilation.h),
          .x = conv_axis(weight.w, p.stride.w, p.padding.w, p.dilation.w),
          .groups = p.groups,
          .in_per_group = weight.c,
          .out_per_group = weight.n / p.groups,
          .padding_mode = p.padding_mode};
}

ConvForm conv_transpose2d_form(const Shape& weight, const ConvTranspose2dParams& p) {
  return {.y = conv_transpose_axis(weight.h, p.stride.h, p.padding.h, p.dilation.h),
          .x = conv_transpose_axis(weight.w, p.stride.w, p.padding.w, p.dilation.w),
          .groups = p.groups,
          .in_per_group = weight.n / p.groups,
          .out_per_group = weight.c,
          .padding_mode = PaddingMode::zeros};
}

}  // namespace fsrcnn
