#include "picture/bleed.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace fsrcnn {
namespace {

struct Pixel {
  int64_t y, x;
};

}  // namespace

void bleed_colours(Tensor<float>& rows, int reach, int64_t count) {
  const int64_t c = rows.shape().c, h = count, w = rows.shape().w;
  const float* const alpha = rows.plane(0, c - 1);
  // The step after which a pixel has a colour: 0 for visible ones.
  constexpr uint16_t kNever = 65535;
  std::vector<uint16_t> step(static_cast<size_t>(h * w));
  bool any = false;
  for (int64_t i = 0; i < h * w; ++i) {
    step[static_cast<size_t>(i)] = alpha[i] > 0 ? 0 : kNever;
    any = any || alpha[i] <= 0;
  }
  if (!any) return;
  const auto for_neighbours = [&](const Pixel& p, const auto& use) {
    for (int64_t y = std::max<int64_t>(0, p.y - 1); y <= std::min(h - 1, p.y + 1); ++y) {
      for (int64_t x = std::max<int64_t>(0, p.x - 1); x <= std::min(w - 1, p.x + 1); ++x) use(y, x, y * w + x);
    }
  };
  std::vector<Pixel> front;
  for (int64_t y = 0; y < h; ++y) {
    for (int64_t x = 0; x < w; ++x) {
      if (step[static_cast<size_t>(y * w + x)] == 0) continue;
      bool beside = false;
      for_neighbours({y, x},
                     [&](int64_t, int64_t, int64_t i) { beside = beside || step[static_cast<size_t>(i)] == 0; });
      if (beside) front.push_back({y, x});
    }
  }
  for (int now = 1; now <= reach && !front.empty(); ++now) {
    for (const Pixel& p : front) {
      for (int64_t k = 0; k + 1 < c; ++k) {
        const float* const plane = rows.plane(0, k);
        double sum = 0;
        int neighbours = 0;
        for_neighbours(p, [&](int64_t, int64_t, int64_t i) {
          if (step[static_cast<size_t>(i)] >= now) return;
          sum += plane[i];
          ++neighbours;
        });
        rows(0, k, p.y, p.x) = static_cast<float>(sum / neighbours);
      }
    }
    for (const Pixel& p : front) step[static_cast<size_t>(p.y * w + p.x)] = static_cast<uint16_t>(now);
    std::vector<Pixel> next;
    for (const Pixel& p : front) {
      for_neighbours(p, [&](int64_t y, int64_t x, int64_t i) {
        if (step[static_cast<size_t>(i)] != kNever) return;
        step[static_cast<size_t>(i)] = kNever - 1;  // in the front once
        next.push_back({y, x});
      });
    }
    front = std::move(next);
  }
}

}  // namespace fsrcnn
