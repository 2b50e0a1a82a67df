#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <numeric>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "porting/evidence_parts.hpp"

namespace fsrcnn {
namespace {

constexpr size_t kFewest = 6;  // values that a claim with one or two unknowns needs, not to hold by chance

/// Sums for the line found = a * expected + b.
struct FittedLine {
  double n = 0, e = 0, f = 0, ee = 0, ef = 0;
  void add(double x, double y) { n += 1, e += x, f += y, ee += x * x, ef += x * y; }
  double factor() const { return ee > 0 ? ef / ee : 0; }
  double offset() const { return n > 0 ? (f - e) / n : 0; }
  bool has_slope() const { return n >= 3 && n * ee - e * e > 1e-9 * n * ee; }
  double a() const { return (n * ef - e * f) / (n * ee - e * e); }
  double b() const { return (f - a() * e) / n; }
};

class Relations {
 public:
  Relations(const Errors& errors, Evidence& evidence)
      : x_(errors), s_(errors.found.shape()), size_(s_.h * s_.w), evidence_(evidence) {}

  void run() {
    if (x_.differing.empty()) return;
    const auto [low, high] = std::minmax_element(x_.found.values().begin(), x_.found.values().end());
    low_ = *low, high_ = *high;
    if (constant()) return;
    mostly();
    // Of errors near the tolerance nearly every claim would hold.
    if (evidence_.largest < 4 * x_.tolerance) return find_steps(x_, evidence_);
    differing_constant() || clipped() || offset() || by_sign() || factor() || affine() || by_channel() || wrapped() ||
        multiples();
    channel_constant();
    find_steps(x_, evidence_);
    signs();
    grows();
  }

 private:
  using Value = std::function<double(int64_t)>;

  void add(std::string id, std::string sentence, std::vector<double> numbers = {}, std::vector<int64_t> indices = {}) {
    evidence_.facts.push_back({std::move(id), std::move(sentence), std::move(numbers), std::move(indices)});
  }

  int64_t channel(int64_t i) const { return i / size_; }

  bool differing_are(const Value& value) const {
    return std::all_of(x_.differing.begin(), x_.differing.end(),
                       [&](int64_t i) { return std::abs(x_.f(i) - value(i)) <= x_.tolerance; });
  }

  bool all_are(const Value& value) const {
    if (!differing_are(value)) return false;
    for (int64_t i = 0; i < x_.found.count(); ++i) {
      if (!(std::abs(x_.f(i) - value(i)) <= x_.tolerance)) return false;
    }
    return true;
  }

  bool expects_both_signs() const {
    return evidence_.expected_low < -x_.tolerance && evidence_.expected_high > x_.tolerance;
  }

  bool many() const { return x_.differing.size() >= kFewest; }

  bool constant() {
    if (high_ - low_ > x_.tolerance || x_.found.count() < 2) return false;
    add("constant", fmt::format("all its values are {:.6g}", x_.f(0)), {x_.f(0)});
    return true;
  }

  /// Half of the tensor or more is one value, far more of it than should be.
  void mostly() {
    for (const double value : {0.0, low_, high_}) {
      double found = 0, expected = 0;
      for (int64_t i = 0; i < x_.found.count(); ++i) {
        found += std::abs(x_.f(i) - value) <= x_.tolerance ? 1 : 0;
        expected += std::abs(x_.e(i) - value) <= x_.tolerance ? 1 : 0;
      }
      found /= static_cast<double>(x_.found.count()), expected /= static_cast<double>(x_.found.count());
      if (found < 0.5 || found < 2 * expected) continue;
      return add("mostly",
                 fmt::format("{:.3g} % of its values are {:.6g}, where {:.2g} % should be", 100 * found, value,
                             100 * expected),
                 {value, found, expected});
    }
  }

  bool differing_constant() {
    if (x_.differing.size() < 2) return false;
    const double value = x_.f(x_.differing[0]);
    double low = std::numeric_limits<double>::infinity(), high = -low;
    for (const int64_t i : x_.differing) {
      if (std::abs(x_.f(i) - value) > x_.tolerance) return false;
      low = std::min(low, x_.e(i)), high = std::max(high, x_.e(i));
    }
    // Those that are cut off at a value, or all those below 0, are told as that.
    if (clipped()) return true;
    add("differing_constant",
        fmt::format("the values that differ are all {:.6g}, where {:.4g} to {:.4g} is expected", value, low, high),
        {value});
    return true;
  }

  bool clipped() {
    const bool at_high = std::any_of(x_.differing.begin(), x_.differing.end(), [&](int64_t i) { return x_.d(i) < 0; });
    const bool at_low = std::any_of(x_.differing.begin(), x_.differing.end(), [&](int64_t i) { return x_.d(i) > 0; });
    if (x_.differing.size() < 2 || !all_are([&](int64_t i) { return std::clamp(x_.e(i), low_, high_); })) return false;
    if (at_high) {
      add("clipped_high", fmt::format("found is the expected value, cut off above {:.6g}", high_), {high_});
    }
    if (at_low) add("clipped_low", fmt::format("found is the expected value, cut off below {:.6g}", low_), {low_});
    return true;
  }

  bool offset() {
    FittedLine line;
    for (const int64_t i : x_.differing) line.add(x_.e(i), x_.f(i));
    const double k = line.offset();
    if (x_.differing.size() < 3 || !differing_are([&](int64_t i) { return x_.e(i) + k; })) return false;
    add("offset", fmt::format("each value that differs is {:.6g} too {}", std::abs(k), k > 0 ? "large" : "small"), {k});
    return true;
  }

  bool factor() {
    FittedLine line;
    for (const int64_t i : x_.differing) line.add(x_.e(i), x_.f(i));
    const double k = line.factor();
    if (!many() || !differing_are([&](int64_t i) { return k * x_.e(i); })) return false;
    const bool everywhere = all_are([&](int64_t i) { return k * x_.e(i); });
    add("factor",
        k == -1 || std::abs(k + 1) < 1e-6
            ? fmt::format("the sign of {} is turned", everywhere ? "every value" : "the values that differ")
            : fmt::format("{} is {:.6g} times the expected one", everywhere ? "every value" : "each value that differs",
                          k),
        {k});
    return true;
  }

  /// Only values below 0 differ (or only those above), each a multiple of what is expected.
  bool by_sign() {
    if (!expects_both_signs()) return false;
    for (const double sign : {-1.0, 1.0}) {
      FittedLine line;
      std::vector<FittedLine> each(static_cast<size_t>(s_.c));
      bool one_sided = many();
      for (const int64_t i : x_.differing) one_sided = one_sided && sign * x_.e(i) > 0;
      if (!one_sided) continue;
      for (int64_t i = 0; i < x_.found.count(); ++i) {
        if (sign * x_.e(i) <= 0) continue;
        line.add(x_.e(i), x_.f(i));
        each[channel(i)].add(x_.e(i), x_.f(i));
      }
      const char* const side = sign < 0 ? "negative" : "positive";
      const double k = line.factor();
      if (all_are([&](int64_t i) { return sign * x_.e(i) > 0 ? k * x_.e(i) : x_.e(i); })) {
        add(fmt::format("{}_factor", side),
            std::abs(k) < 1e-6 ? fmt::format("values that should be {} are 0; the others are right", side)
            : std::abs(k + 1) < 1e-6
                ? fmt::format("values that should be {} have lost their sign; the others are right", side)
                : fmt::format("values that should be {} are {:.6g} times the expected ones; the "
                              "others are right",
                              side, k),
            {k});
        return true;
      }
      std::vector<double> factors;
      for (const FittedLine& l : each) factors.push_back(l.n > 0 ? l.factor() : 1);
      if (all_are([&](int64_t i) { return sign * x_.e(i) > 0 ? factors[channel(i)] * x_.e(i) : x_.e(i); }) &&
          x_.differing.size() >= 3 * evidence_.channels.indices.size()) {
        add(fmt::format("channel_{}_factor", side),
            fmt::format(
                "values that should be {} are multiplied by a number of each channel ({}); the others are right", side,
                numbers_of(factors)),
            factors);
        return true;
      }
    }
    return false;
  }

  bool affine() {
    FittedLine line;
    for (int64_t i = 0; i < x_.found.count(); ++i) line.add(x_.e(i), x_.f(i));
    if (!many() || !line.has_slope()) return false;
    const double a = line.a(), b = line.b();
    if (!all_are([&](int64_t i) { return a * x_.e(i) + b; })) return false;
    add("affine",
        fmt::format("every value is {:.6g} times the expected one, {} {:.6g}", a, b < 0 ? "less" : "plus", std::abs(b)),
        {a, b});
    return true;
  }

  bool by_channel() {
    if (s_.c < 2 || size_ < 8) return false;
    std::vector<FittedLine> lines(static_cast<size_t>(s_.c)), differing = lines;
    for (int64_t i = 0; i < x_.found.count(); ++i) lines[channel(i)].add(x_.e(i), x_.f(i));
    for (const int64_t i : x_.differing) differing[channel(i)].add(x_.e(i), x_.f(i));
    const auto few = [&](int64_t c) { return differing[c].n > 0 && differing[c].n < kFewest; };
    for (const int64_t c : evidence_.channels.indices) {
      if (few(c)) return false;
    }
    std::vector<double> offsets, factors, a, b;
    bool sloped = true;
    for (size_t c = 0; c < lines.size(); ++c) {
      const bool right = differing[c].n == 0;
      offsets.push_back(right ? 0 : differing[c].offset());
      factors.push_back(right ? 1 : differing[c].factor());
      sloped = sloped && (right || lines[c].has_slope());
      a.push_back(right || !lines[c].has_slope() ? 1 : lines[c].a());
      b.push_back(right || !lines[c].has_slope() ? 0 : lines[c].b());
    }
    const std::string channels = evidence_.channels.is_all() ? "each channel" : "each channel that differs";
    if (differing_are([&](int64_t i) { return x_.e(i) + offsets[channel(i)]; })) {
      add("channel_offset", fmt::format("{} has an offset of its own ({})", channels, of_differing(offsets)), offsets);
      return true;
    }
    if (differing_are([&](int64_t i) { return x_.e(i) * factors[channel(i)]; })) {
      add("channel_factor",
          fmt::format("{} is multiplied by a number of its own ({})", channels, of_differing(factors)), factors);
      return true;
    }
    if (sloped && all_are([&](int64_t i) { return a[channel(i)] * x_.e(i) + b[channel(i)]; })) {
      const std::string sentence =
          fmt::format("{} has a factor ({}) and an offset ({}) of its own", channels, of_differing(a), of_differing(b));
      a.insert(a.end(), b.begin(), b.end());
      add("channel_affine", sentence, a);
      return true;
    }
    return false;
  }

  std::string of_differing(const std::vector<double>& numbers) const {
    std::vector<double> list;
    for (const int64_t c : evidence_.channels.indices) list.push_back(numbers[c]);
    return numbers_of(list);
  }

  static std::string numbers_of(const std::vector<double>& numbers) {
    std::vector<std::string> parts;
    for (size_t i = 0; i < numbers.size() && i < 4; ++i) parts.push_back(fmt::format("{:.4g}", numbers[i]));
    return fmt::format("{}{}", fmt::join(parts, ", "), numbers.size() > 4 ? ", ..." : "");
  }

  /// The smallest error, if all are whole multiples of it.
  double unit_of_errors() const {
    double unit = std::numeric_limits<double>::infinity();
    for (const int64_t i : x_.differing) unit = std::min(unit, std::abs(x_.d(i)));
    if (x_.differing.size() < 3 || unit < 100 * x_.tolerance) return 0;
    // From small to large, so that the unit gets finer with what is known of it.
    std::vector<double> errors;
    for (const int64_t i : x_.differing) errors.push_back(std::abs(x_.d(i)));
    std::sort(errors.begin(), errors.end());
    double sum = 0, count = 0;
    for (const double d : errors) {
      const double k = std::nearbyint(d / unit);
      sum += d, count += k;
      if (std::abs(d - k * (sum / count)) > 2 * x_.tolerance) return 0;
      unit = sum / count;
    }
    return unit;
  }

  bool wrapped() {
    const double modulus = unit_of_errors();
    if (modulus == 0) return false;
    for (const double low : {-modulus / 2, 0.0}) {
      const auto wrap = [&](double v) { return v - modulus * std::floor((v - low) / modulus); };
      bool holds = true;
      for (int64_t i = 0; i < x_.found.count() && holds; ++i) {
        const double off = std::abs(x_.f(i) - wrap(x_.e(i)));
        holds = off <= x_.tolerance || std::abs(off - modulus) <= x_.tolerance;
        holds = holds && x_.f(i) >= low - x_.tolerance && x_.f(i) <= low + modulus + x_.tolerance;
      }
      if (!holds) continue;
      add("wrapped",
          fmt::format("values beyond {:.6g} to {:.6g} are wrapped: they are a multiple of {:.6g} off", low,
                      low + modulus, modulus),
          {modulus});
      return true;
    }
    return false;
  }

  bool multiples() {
    const double unit = unit_of_errors();
    if (unit == 0) return false;
    add("multiple", fmt::format("every error is a whole multiple of {:.6g}", unit), {unit});
    return true;
  }

  void channel_constant() {
    std::vector<int64_t> channels;
    std::vector<double> values;
    for (const int64_t c : evidence_.channels.indices) {
      const float *found = x_.found.plane(0, c), *expected = x_.expected.plane(0, c);
      const auto [low, high] = std::minmax_element(found, found + size_);
      const auto [least, most] = std::minmax_element(expected, expected + size_);
      if (size_ < 4 || *high - *low > x_.tolerance || *most - *least <= x_.tolerance) continue;
      channels.push_back(c);
      values.push_back(*low);
    }
    if (channels.empty()) return;
    const bool same = std::all_of(values.begin(), values.end(), [&](double v) { return v == values[0]; });
    Fact fact{"channel_constant",
              fmt::format("{} {} {}", to_words({s_.c, channels}, "channel"),
                          channels.size() == 1 ? "is"
                          : same               ? "are all"
                                               : "have one value each:",
                          same ? fmt::format("{:.6g} everywhere", values[0]) : numbers_of(values)),
              values, channels};
    // It says more than what else was found of these channels.
    evidence_.facts.insert(evidence_.facts.begin(), std::move(fact));
  }

  void signs() {
    if (!many()) return;
    const auto all = [&](const std::function<bool(int64_t)>& holds) {
      return std::all_of(x_.differing.begin(), x_.differing.end(), holds);
    };
    const bool told =
        evidence_.fact("negative_factor") != nullptr || evidence_.fact("channel_negative_factor") != nullptr ||
        evidence_.fact("positive_factor") != nullptr || evidence_.fact("channel_positive_factor") != nullptr;
    if (!told && expects_both_signs() && all([&](int64_t i) { return x_.e(i) < 0; })) {
      add("negative_only", "only values that should be negative differ");
    } else if (!told && expects_both_signs() && all([&](int64_t i) { return x_.e(i) > 0; })) {
      add("positive_only", "only values that should be positive differ");
    }
    if (evidence_.fact("offset") != nullptr || evidence_.fact("clipped_low") != nullptr ||
        evidence_.fact("clipped_high") != nullptr || evidence_.fact("truncated") != nullptr) {
      return;
    }
    if (all([&](int64_t i) { return x_.d(i) > 0; })) add("higher_only", "all that differ are too large");
    if (all([&](int64_t i) { return x_.d(i) < 0; })) add("lower_only", "all that differ are too small");
  }

  /// Along an axis the error gets larger from eighth to eighth.
  void grows() {
    static constexpr std::array<const char*, 3> kTo = {"with the channel", "from top to bottom", "from left to right"};
    static constexpr std::array<const char*, 3> kFrom = {"against the channel", "from bottom to top",
                                                         "from right to left"};
    for (int64_t axis = 1; axis < 3; ++axis) {
      const int64_t extent = axis == 1 ? s_.h : s_.w;
      if (extent < 16 || x_.differing.size() < 64) continue;
      std::array<double, 8> squares{}, counts{};
      for (int64_t i = 0; i < x_.found.count(); ++i) {
        const int64_t at = axis == 1 ? i / s_.w % s_.h : i % s_.w;
        squares[8 * at / extent] += x_.d(i) * x_.d(i), counts[8 * at / extent] += 1;
      }
      std::array<double, 8> rms{};
      for (size_t k = 0; k < 8; ++k) rms[k] = std::sqrt(squares[k] / counts[k]);
      const bool up = std::is_sorted(rms.begin(), rms.end()), down = std::is_sorted(rms.rbegin(), rms.rend());
      const double low = std::min(rms[0], rms[7]), high = std::max(rms[0], rms[7]);
      if ((!up && !down) || low <= 0 || high < 3 * low) continue;
      add("grows",
          fmt::format("the error grows {}: RMS {:.2g} in the first eighth, {:.2g} in the last",
                      up ? kTo[axis] : kFrom[axis], low, high),
          {rms[0], rms[7]}, {axis});
    }
  }

  const Errors& x_;
  const Shape s_;
  const int64_t size_;
  Evidence& evidence_;
  double low_ = 0, high_ = 0;
};

}  // namespace

void find_relations(const Errors& errors, Evidence& evidence) { Relations(errors, evidence).run(); }

}  // namespace fsrcnn
