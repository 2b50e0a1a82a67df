#include <algorithm>
#include <cstdint>
#include <utility>

#include <fmt/format.h>

#include "porting/kernel_maps.hpp"
#include "porting/rearrange.hpp"

namespace fsrcnn {
namespace {

class KernelLayouts {
 public:
  KernelLayouts(const Tensor<float>& weight, bool transposed) : shape_(weight.shape()), transposed_(transposed) {}

  std::vector<KernelMap> all() {
    packed();
    pitches();
    rolled();
    products();
    shared();
    return std::move(list_);
  }

 private:
  void put(std::string id, std::string sentence, double numbers, TensorOp op) {
    list_.push_back({std::move(id), std::move(sentence), numbers, std::move(op)});
  }

  /// Kernels that lie in blocks of output or input channels, for vectors, and are read as if they did not; or the
  /// reverse.
  void packed() {
    const Shape s = shape_;
    const int64_t outer[] = {s.n, s.c};  // NOLINT(*-c-arrays)
    for (const int axis : {0, 1}) {
      const int64_t inner = axis == 0 ? s.c * s.h * s.w : s.h * s.w;
      for (const int64_t block : {2, 4, 8, 16}) {
        if (outer[axis] % block != 0 || inner == 1) continue;
        const bool outputs = (axis == 0) != transposed_;
        for (const bool packed : {true, false}) {
          put(fmt::format("kernels_{}packed_{}_{}", packed ? "" : "un", outputs ? "outputs" : "inputs", block),
              fmt::format(
                  "the kernels {} in blocks of {} {} channels side by side (packed for vectors), and are read {}",
                  packed ? "lie" : "do not lie", block, outputs ? "output" : "input",
                  packed ? "in plain order" : "as if they did"),
              0.4, [block, inner, packed](const Tensor<float>& t) {
                Tensor<float> to(t.shape());
                for (int64_t i = 0; i < t.count(); ++i) {
                  const int64_t at = i / (block * inner) * block * inner, k = i % (block * inner);
                  const int64_t mixed = at + k % inner * block + k / inner;
                  to.data()[packed ? mixed : i] = t.data()[packed ? i : mixed];
                }
                return to;
              });
        }
      }
    }
  }

  /// Kernels, or their rows, lie further apart (or closer together) in the file than they are read.
  void pitches() {
    const int64_t taps = shape_.h * shape_.w;
    if (taps == 1) return;
    const auto pitch = [&](const std::string& what, int64_t length, int64_t by, double numbers) {
      for (const bool reads : {false, true}) {
        put(fmt::format("kernels_pitch_{}_{}_{}", what == "kernels" ? "each" : "rows", length, by),
            fmt::format("{} begin {} values apart {}, and are {} as if they began {} apart (a wrong pitch)", what,
                        reads ? length : by, "in memory", "read", reads ? by : length),
            numbers, [length, by, reads](const Tensor<float>& t) {
              Tensor<float> to(t.shape());
              for (int64_t i = 0; i < t.count(); ++i) {
                const int64_t written = reads ? length : by, read = reads ? by : length;
                const int64_t at = i / length * read + i % length, within = at % written;
                const int64_t source = at / written * length + within;
                if (within < length && source < t.count()) to.data()[i] = t.data()[source];
              }
              return to;
            });
      }
    };
    for (const int64_t d : {-2, -1, 1, 2}) {
      if (taps + d > 1) pitch("kernels", taps, taps + d, 0.5);
      if (shape_.w + d > 1) pitch("rows of the kernels", shape_.w, shape_.w + d, 0.5);
    }
    for (const int64_t line : {4, 8, 16, 32, 64}) {
      const auto up = [line](int64_t n) { return (n + line - 1) / line * line; };
      if (up(taps) > taps + 2) pitch("kernels", taps, up(taps), 0.4);
      if (up(shape_.w) > shape_.w + 2) pitch("rows of the kernels", shape_.w, up(shape_.w), 0.4);
    }
  }

  /// Rows or columns of the window with the wrong numbers: 1, 2, 0 for 0, 1, 2.
  void rolled() {
    for (const bool rows : {true, false}) {
      const int64_t extent = rows ? shape_.h : shape_.w;
      for (int64_t by = 1; by < extent; ++by) {
        put(fmt::format("kernels_rolled_{}_{}", rows ? "rows" : "columns", by),
            fmt::format("the {} of each kernel are rotated by {} (a cyclic shift of the window)",
                        rows ? "rows" : "columns", by),
            0.4, [rows, by](const Tensor<float>& t) {
              return permuted(t, [&](int64_t n, int64_t c, int64_t y, int64_t x) {
                const Shape s = t.shape();
                return rows ? index_of(s, n, c, (y - by + s.h) % s.h, x) : index_of(s, n, c, y, (x - by + s.w) % s.w);
              });
            });
      }
    }
  }

  /// Of the products of an output, in the order in which they are summed, only some are there.
  void products() {
    const Shape s = shape_;
    const int64_t each = transposed_ ? s.n * s.h * s.w : s.c * s.h * s.w;
    for (const int64_t n : {2, 4}) {
      for (int64_t lost = 0; lost < n; ++lost) {
        put(fmt::format("kernels_products_lost_{}_{}", n, lost),
            fmt::format(
                "of each output's products each {} is lost, from {} on (as where sums that depend on each other "
                "are added at once)",
                n == 2 ? "second" : "fourth", lost),
            0.4, [n, lost, each, transposed = transposed_](const Tensor<float>& t) {
              Tensor<float> to = t;
              const Shape shape = t.shape();
              for (int64_t i = 0; i < t.count(); ++i) {
                const int64_t taps = shape.h * shape.w, kernel = i / taps;
                const int64_t at = transposed ? kernel / shape.c * taps + i % taps : i % each;
                if (at % n == lost) to.data()[i] = 0;
              }
              return to;
            });
      }
    }
    if (s.h != s.w || s.h == 1) return;
    for (const bool rows : {true, false}) {
      put(fmt::format("kernels_one_index_{}", rows ? "rows" : "columns"),
          fmt::format(
              "one index serves both axes: only the window's diagonal is read, with the sums of the kernels' {}",
              rows ? "rows" : "columns"),
          0.3, [rows](const Tensor<float>& t) {
            Tensor<float> to(t.shape());
            const Shape shape = t.shape();
            for (int64_t n = 0; n < shape.n; ++n)
              for (int64_t c = 0; c < shape.c; ++c)
                for (int64_t y = 0; y < shape.h; ++y)
                  for (int64_t x = 0; x < shape.w; ++x) to(n, c, rows ? y : x, rows ? y : x) += t(n, c, y, x);
            return to;
          });
    }
  }

  /// The pointer does not go on from input to input, or from output to output.
  void shared() {
    for (const bool outputs : {true, false}) {
      const int64_t count = outputs != transposed_ ? shape_.n : shape_.c;
      if (count < 2) continue;
      for (const int64_t which : {int64_t{0}, count - 1}) {
        put(fmt::format("kernels_of_one_{}", outputs ? "output" : "input"),
            fmt::format("all {0} channels use the kernels of {0} channel {1} (the pointer does not go on)",
                        outputs ? "output" : "input", which),
            which == 0 ? 0.3 : 0.4, [which, first = outputs != transposed_](const Tensor<float>& t) {
              Tensor<float> to = t;
              const Shape s = t.shape();
              for (int64_t a = 0; a < s.n; ++a)
                for (int64_t b = 0; b < s.c; ++b)
                  std::copy_n(first ? t.plane(which, b) : t.plane(a, which), s.h * s.w, to.plane(a, b));
              return to;
            });
      }
    }
  }

  Shape shape_;
  bool transposed_;
  std::vector<KernelMap> list_;
};

}  // namespace

std::vector<KernelMap> kernel_layouts(const Tensor<float>& weight, bool transposed) {
  return KernelLayouts(weight, transposed).all();
}

}  // namespace fsrcnn
