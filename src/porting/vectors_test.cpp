#include "porting/vectors.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <nlohmann/json.hpp>

#include "base/atomic_output.hpp"
#include "engine/reference_network.hpp"
#include "porting/integer_vectors.hpp"
#include "porting/trace.hpp"
#include "support/golden.hpp"
#include "support/networks.hpp"
#include "support/temporary_folder.hpp"

namespace fsrcnn {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

struct Checked {
  int code;
  std::string printed;

  int64_t lines() const { return std::count(printed.begin(), printed.end(), '\n'); }
};

/// Compiles the program that lies with the vectors, and runs it.
Checked check(const fs::path& folder) {
  const std::string in = "cd '" + folder.string() + "' && ";
  const std::string compile =
      in + FSRCNN_C_COMPILER
      " -std=c99 -pedantic -Wall -Wextra -Werror -O1 check.c layer.c -o check -lm >compiled 2>&1";
  if (std::system(compile.c_str()) != 0) return {-1, text_of(folder / "compiled")};
  const int status = std::system((in + "./check >printed 2>&1").c_str());
  return {WEXITSTATUS(status), text_of(folder / "printed")};
}

/// The same of the Verilog test bench.
Checked bench(const fs::path& folder) {
  const std::string in = "cd '" + folder.string() + "' && ";
  const std::string compile = in + FSRCNN_IVERILOG " -g2005 -Wall -o bench vectors.v bench.v layer.v >compiled 2>&1";
  const int compiled = std::system(compile.c_str());
  const std::string said = text_of(folder / "compiled");
  if (compiled != 0 || !said.empty()) return {-1, said};
  const int status = std::system((in + "vvp bench >printed 2>&1").c_str());
  return {WEXITSTATUS(status), text_of(folder / "printed")};
}

std::vector<test::NamedNetwork> networks() {
  std::vector<test::NamedNetwork> list = test::other_networks();
  list.push_back({"SRVGGNetCompact", test::residual_network(Colours::rgb, 6, 2, 2, 3)});
  // What none of them has.
  test::NetworkBuilder b(Colours::rgb, 11);
  b.convolution(6, 3);
  Layer& head = b.network.layers.back();
  head.weight = test::random_tensor({6, 3, 3, 5}, 12, -0.3F, 0.3F);
  head.conv.padding = {1, 2};
  head.bias.clear();
  head.activation = Layer::Activation::prelu;
  head.slope = {0.2F};
  b.transposed_convolution(3, 5, 2, 2 + 2, 1);
  b.network.layers.back().border = 1;
  const int large = static_cast<int>(b.network.layers.size()) - 1;
  b.interpolate(Interpolation::bicubic, 2, kNetworkInput);
  b.network.layers.back().cubic_coefficient = -0.5F;
  b.add(large, large + 1);
  list.push_back({"unequal sides, no bias, one slope, a border", b.finish()});
  return list;
}

// The C program shares no code with the library.
TEST(Vectors, AnyNetworkAgreesWithItsCProgram) {
  for (const auto& [name, network] : networks()) {
    SCOPED_TRACE(name);
    for (const VectorStyle style : {VectorStyle::npy, VectorStyle::mem}) {
      const test::TemporaryFolder folder;
      const Tensor<float> input = test::random_tensor({1, network.channels(), 6, 5}, 9);
      EXPECT_EQ(write_vectors(network, input, style, "noise", folder / "v"), network.layers.size());
      const Checked checked = check(folder / "v");
      EXPECT_EQ(checked.code, 0) << checked.printed;
      EXPECT_EQ(checked.lines(), static_cast<int64_t>(network.layers.size())) << checked.printed;
      if (style != VectorStyle::npy || name != "SRVGGNetCompact") continue;
      // One that adds nothing, and one that enlarges by half a pixel too much, are seen.
      for (const auto& [right, wrong, layer] :
           {std::tuple{"(l->inputs == 1 ? 0 : o) * plane + at] +", "(l->inputs == 1 ? 0 : o) * plane + at] + 0 *",
                       "sum"},
            {"plane[y / l->factor * l->width", "plane[(y + 1) / l->factor % l->height * l->width", "base"},
            {"(o * s + y % s) * s + x % s", "(o * s + x % s) * s + y % s", "depth to space"}}) {
        const std::string text = text_of(folder / "v" / "layer.c");
        const size_t at = text.find(right);
        ASSERT_NE(at, std::string::npos) << right;
        std::string changed = text;
        changed.replace(at, std::string(right).size(), wrong);
        write_file(folder / "v" / "layer.c", as_bytes(changed));
        const Checked differs = check(folder / "v");
        EXPECT_EQ(differs.code, 1) << differs.printed;
        const size_t first = differs.printed.find("DIFFERS");
        const size_t line = differs.printed.rfind('\n', first) + 1;
        EXPECT_EQ(differs.printed.compare(line, std::string(layer).size(), layer), 0) << differs.printed;
        EXPECT_EQ(differs.printed.find("DIFFERS", first + 1), std::string::npos) << differs.printed;
        write_file(folder / "v" / "layer.c", as_bytes(text));
      }
    }
  }
}

// Nor does the Verilog one with either. Each network in int8, and in one of three kinds of fixed point.
TEST(Vectors, AnyNetworkInIntegersAgreesWithItsPrograms) {
  constexpr FixedPoint kTypes[] = {{},  // NOLINT(modernize-avoid-c-arrays)
                                   {1, 7, Rounding::half_even, Overflow::wrap},
                                   {4, 13, Rounding::toward_zero, Overflow::saturate}};
  size_t count = 0;
  for (const auto& [name, network] : networks()) {
    const Tensor<float> input = test::random_tensor({1, network.channels(), 6, 5}, 9);
    for (const IntegerNetwork& integers :
         {int8_network(network, input), fixed_point_network(network, kTypes[count++ % 3])}) {
      SCOPED_TRACE(name + (integers.fixed ? fmt::format(" in {} bits", integers.fixed->bits()) : " in int8"));
      const test::TemporaryFolder folder;
      write_integer_vectors(integers, input, "noise", folder / "v");
      const auto layers = static_cast<int64_t>(network.layers.size());
      const Checked in_c = check(folder / "v");
      EXPECT_EQ(in_c.code, 0) << in_c.printed;
      EXPECT_EQ(in_c.lines(), layers) << in_c.printed;
      const Checked in_verilog = bench(folder / "v");
      EXPECT_EQ(in_verilog.code, 0) << in_verilog.printed;
      EXPECT_EQ(in_verilog.lines(), layers + 1) << in_verilog.printed;
    }
  }
}

// Fixed point is what `trace` computes, to the bit, but where interpolations have weights that 14 bits do not hold.
TEST(Vectors, FixedPointIsThatOfTrace) {
  for (const auto& [name, network] : networks()) {
    const auto is_by_three = [](const Layer& layer) { return layer.op == Layer::Op::interpolate && layer.factor == 3; };
    if (std::any_of(network.layers.begin(), network.layers.end(), is_by_three)) continue;
    SCOPED_TRACE(name);
    const Tensor<float> input = test::random_tensor({1, network.channels(), 6, 5}, 9);
    for (const Rounding rounding : {Rounding::half_up, Rounding::half_even, Rounding::down, Rounding::toward_zero}) {
      const FixedPoint type = {2, 9, rounding, Overflow::wrap};
      const std::vector<Tensor<double>> values = run_integers(fixed_point_network(network, type), input);
      const test::TemporaryFolder folder;
      const TraceOptions options{.type = {NumberType::Kind::fixed, type}};
      const std::vector<TraceEntry> entries = write_trace(network, input, options, folder / "t");
      for (size_t i = 0; i < values.size(); ++i) {
        // A layer's last file.
        const std::string layer = i == 0 ? "input" : network.layers[i - 1].name;
        const auto last =
            std::find_if(entries.rbegin(), entries.rend(), [&](const auto& e) { return e.layer == layer; });
        Tensor<double> traced = test::to_double(read_tensor(folder / "t" / last->file).to_float());
        for (double& v : traced.values()) v = std::ldexp(v, type.fraction_bits);
        EXPECT_EQ(test::max_difference(values[i], traced), 0) << layer;
      }
    }
  }
}

TEST(Vectors, Int8IsNearFloat) {
  for (const auto& [name, network] : networks()) {
    SCOPED_TRACE(name);
    const Tensor<float> input = test::random_tensor({1, network.channels(), 12, 11}, 9);
    const std::vector<Tensor<double>> values = run_integers(int8_network(network, input), input);
    const Tensor<float> expected = reference_network<float>(network, input);
    double squares = 0;
    for (int64_t i = 0; i < expected.count(); ++i) {
      const double d = values.back().data()[i] / 255 - static_cast<double>(expected.data()[i]);
      squares += d * d;
    }
    // Noise of a step RMS is 48 dB.
    EXPECT_LT(std::sqrt(squares / static_cast<double>(expected.count())), 4.0 / 255);
    for (const Tensor<double>& x : values) {
      for (const double v : x.values()) ASSERT_TRUE(v >= 0 && v <= 255 && v == std::floor(v)) << v;
    }
  }
}

TEST(Vectors, RescaleByIsA31BitMultiplierAndAShift) {
  const auto text = [](double factor) {
    const Rescale r = rescale_by(factor);
    return fmt::format("{} >> {}", r.multiplier, r.shift);
  };
  EXPECT_EQ(text(1), "1073741824 >> 30");
  EXPECT_EQ(text(0.75), "1610612736 >> 31");
  EXPECT_EQ(text(-0.001), "-1099511628 >> 40");
  EXPECT_EQ(text(1 - 1e-12), "1073741824 >> 30");  // rounded up to 2^31, which has 32 bits
  EXPECT_EQ(text(0), "0 >> 1");
  EXPECT_EQ(text(1e-12), "0 >> 1");
  EXPECT_EQ(test::error_of([] { rescale_by(2e9); }), "6: int8 cannot rescale by 2000000000: 2^30 is too much");
}

TEST(Vectors, SumsThatMayNotFitAreRefused) {
  test::NetworkBuilder b(Colours::luma, 3);
  b.convolution(256, 1), b.convolution(1, 17);
  for (float& w : b.network.layers.back().weight.values()) w = 1;
  const Network network = b.finish();
  const Tensor<float> input = test::random_tensor({1, 1, 4, 4}, 9);
  EXPECT_EQ(test::error_of([&] { int8_network(network, input); }),
            "6: the sums of 'layer 1' may need more than the 32 bits of int8's");
  EXPECT_EQ(test::error_of([&] { fixed_point_network(network, {.integer_bits = 0, .fraction_bits = 20}); }),
            "6: words of 21 bits are too wide: the sums of 'layer 1' would need more than 53 bits");
}

TEST(Vectors, TellEachLayerInTheManifest) {
  const test::TemporaryFolder folder;
  const Network network = test::residual_network(Colours::rgb, 6, 1, 2, 3);
  write_vectors(network, test::random_tensor({1, 3, 6, 5}, 9), VectorStyle::npy, "noise", folder / "v");
  const auto manifest = nlohmann::json::parse(text_of(folder / "v" / "manifest.json"));
  const auto& sum = manifest["layers"].back();
  EXPECT_EQ(sum["operator"], "addition");
  EXPECT_EQ(sum["inputs"], (std::vector<std::string>{"04_depth_to_space.npy", "05_base.npy"}));
  EXPECT_EQ(manifest["layers"][4]["inputs"], std::vector<std::string>{"00_input.npy"});
  EXPECT_EQ(manifest["shapes"][sum["expected"].get<std::string>()], (std::vector<int64_t>{1, 3, 12, 10}));
}

TEST(Vectors, StylesOfFsrcnnAreRefusedForOthers) {
  const test::TemporaryFolder folder;
  const Network network = test::residual_network(Colours::rgb, 4, 1, 2, 3);
  for (const VectorStyle style : {VectorStyle::slides, VectorStyle::deepc, VectorStyle::zcu102}) {
    EXPECT_EQ(test::error_of([&] {
                write_vectors(network, Tensor<float>({1, 3, 4, 4}), style, "x", folder / "v");
              }),
              "4: the styles slides, deepc and zcu102 hold FSRCNN alone, but this is SRVGGNetCompact(4, 1); use npy, "
              "mem, int8 or qM.N such as q3.12");
  }
  EXPECT_TRUE(folder.names().empty());
}

}  // namespace
}  // namespace fsrcnn
