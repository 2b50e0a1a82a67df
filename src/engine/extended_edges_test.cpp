// Pictures with extended edges: what lies outside is their mirror image, not the network's padding.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <utility>

#include "base/cpu.hpp"
#include "engine/engine.hpp"
#include "engine/reference_network.hpp"
#include "network/builtin.hpp"
#include "support/golden.hpp"
#include "support/networks.hpp"

namespace fsrcnn {
namespace {

// (1, C, H, W) -> (1, C, H + 2 * border, W + 2 * border)
Tensor<float> extended_by_hand(const Tensor<float>& picture, int64_t border) {
  const auto [n, c, h, w] = picture.shape();
  Tensor<float> result({1, c, h + 2 * border, w + 2 * border});
  for (int64_t k = 0; k < c; ++k) {
    for (int64_t y = 0; y < h + 2 * border; ++y) {
      for (int64_t x = 0; x < w + 2 * border; ++x) {
        int64_t row = y - border, column = x - border;
        while (row < 0 || row >= h) row = row < 0 ? -1 - row : 2 * h - 1 - row;
        while (column < 0 || column >= w) column = column < 0 ? -1 - column : 2 * w - 1 - column;
        result(0, k, y, x) = picture(0, k, row, column);
      }
    }
  }
  return result;
}

// (1, C, H + 2 * border, W + 2 * border) -> (1, C, H, W)
template <class T>
Tensor<T> cropped(const Tensor<T>& picture, int64_t border) {
  const auto [n, c, h, w] = picture.shape();
  Tensor<T> result({1, c, h - 2 * border, w - 2 * border});
  for (int64_t k = 0; k < c; ++k) {
    for (int64_t y = 0; y < h - 2 * border; ++y) {
      std::copy_n(picture.row(0, k, y + border) + border, w - 2 * border, result.row(0, k, y));
    }
  }
  return result;
}

// The picture extended by hand, through the plain loops in float64, and cropped.
Tensor<double> reference(const Network& network, const Tensor<float>& picture) {
  const int64_t halo = network.halo();
  return cropped(reference_network(network, test::to_double(extended_by_hand(picture, halo))), network.scale * halo);
}

// Row by row, `at_once` at a time.
Tensor<float> streamed(Engine& engine, const Tensor<float>& picture, int64_t at_once) {
  const auto [n, c, h, w] = picture.shape();
  Tensor<float> result({1, c, engine.scale() * h, engine.scale() * w});
  RowStream stream(engine, w, h, {}, {});
  int64_t written = 0;
  for (int64_t y = 0; y < h; y += at_once) {
    std::vector<ConstPlane> rows;
    std::vector<Plane> room;
    for (int64_t k = 0; k < c; ++k) {
      rows.push_back(plane_of(picture, k));
      rows.back().data = rows.back().row(y);
      rows.back().height = std::min(at_once, h - y);
      room.push_back(plane_of(result, k));
      room.back().data = room.back().row(written);
      room.back().height = stream.completed_by(rows.back().height);
    }
    stream.push(rows, room);
    written += room.front().height;
  }
  EXPECT_EQ(written, result.shape().h);
  return result;
}

std::vector<test::NamedNetwork> networks_of_all_kinds() {
  std::vector<test::NamedNetwork> networks = test::other_networks();
  for (const int64_t scale : {2, 3, 4}) {
    networks.push_back({"fsrcnn x" + std::to_string(scale), test::random_network(7, 5, 2, scale, 11)});
  }
  Network replicates = test::random_network(6, 5, 3, 2, 12);
  for (Layer& layer : replicates.layers) layer.conv.padding_mode = PaddingMode::replicate;
  networks.push_back({"fsrcnn replicate", replicates});
  return networks;
}

class ExtendedEdges : public testing::TestWithParam<test::NamedNetwork> {};

TEST_P(ExtendedEdges, AreThoseOfThePictureExtendedByHand) {
  const Network& network = GetParam().network;
  // Smaller than the network's reach; narrow; several strips and bands.
  for (const auto& [height, width] :
       {std::pair<int64_t, int64_t>{1, 1}, {2, 3}, {23, 37}, {3, 70}, {70, 3}, {61, 530}}) {
    const Tensor<float> picture = test::random_tensor({1, network.channels(), height, width}, 7);
    const Tensor<double> expected = reference(network, picture);
    for (const std::string& cpu : cpu_names()) {
      for (const Precision precision : {Precision::fast, Precision::exact}) {
        Engine engine(network, {.threads = 2, .cpu = cpu, .precision = precision, .extend_edges = true});
        const Tensor<float> output = engine.upscale(picture);
        ASSERT_LE(test::max_difference(test::to_double(output), expected), 1e-5)
            << cpu << ", " << width << "x" << height << (precision == Precision::exact ? ", exact" : "");
        ASSERT_LE(test::max_difference(test::to_double(streamed(engine, picture, 5)), expected), 1e-5)
            << cpu << ", " << width << "x" << height << ", row by row";
      }
    }
  }
}

TEST_P(ExtendedEdges, DoNotDependOnThreadsStripsAndRows) {
  const Network& network = GetParam().network;
  const Tensor<float> picture = test::random_tensor({1, network.channels(), 83, 301}, 8);
  std::map<std::string, Tensor<float>> of_class;
  for (const std::string& cpu : test::fast_cpus()) {
    const auto options = [&](int threads, int columns) {
      return UpscalerOptions{.threads = threads, .cpu = cpu, .strip_columns = columns, .extend_edges = true};
    };
    Engine one(network, options(1, 0));
    const Tensor<float> once = one.upscale(picture);
    EXPECT_EQ(of_class.try_emplace(one.bits(), once).first->second, once) << cpu;
    for (const int columns : {64, 192, 448}) {
      Engine engine(network, options(3, columns));
      ASSERT_EQ(engine.upscale(picture), once) << cpu << ", strips of " << columns;
      if (engine.bits() != class_of_bits(cpu)) continue;  // by layers, which add in an order that the shape decides
      ASSERT_EQ(streamed(engine, picture, columns / 30), once) << cpu << ", strips of " << columns;
    }
  }
}

// Where no padding is in reach, nothing changes: with direct sums not a bit. Transforms also take rounding errors from
// the rest of their tiles, which lies up to three pixels further away in each layer.
TEST_P(ExtendedEdges, LeaveTheRestAsItIs) {
  const Network& network = GetParam().network;
  const int64_t channels = network.channels(), scale = network.scale, halo = network.halo();
  const Tensor<float> picture = test::random_tensor({1, channels, 90, 201}, 9);
  for (const std::string& cpu : cpu_names()) {
    for (const Precision precision : {Precision::fast, Precision::exact}) {
      UpscalerOptions options{.threads = 2, .cpu = cpu, .precision = precision};
      Engine padded_engine(network, options);
      const Tensor<float> padded = padded_engine.upscale(picture);
      options.extend_edges = true;
      const Tensor<float> extended = Engine(network, options).upscale(picture);
      const bool sums_depend_on_shapes = padded_engine.bits().starts_with("layers");
      const bool transforms = cpu != "reference" && precision == Precision::fast;
      const int64_t in_doubt = transforms ? 3 * static_cast<int64_t>(network.layers.size()) : 0;
      EXPECT_LE(test::max_difference(cropped(padded, scale * halo), cropped(extended, scale * halo)),
                transforms || sums_depend_on_shapes ? 5e-6 : 0)
          << cpu;
      if (sums_depend_on_shapes || 2 * (halo + in_doubt) >= 90) continue;
      EXPECT_EQ(cropped(padded, scale * (halo + in_doubt)), cropped(extended, scale * (halo + in_doubt))) << cpu;
      EXPECT_NE(padded, extended) << cpu;
    }
  }
}

// Equal parts of a frame are copied only if the edges that they read beyond are equal, too.
TEST_P(ExtendedEdges, AreThoseOfTheFrameBefore) {
  const Network& network = GetParam().network;
  if (network.channels() != 1) return;
  const int64_t width = 300, height = 101;
  Engine engine(network, {.threads = 3, .strip_columns = 64, .extend_edges = true});
  const Tensor<float> first = test::random_tensor({1, 1, height, width}, 10);
  const Tensor<float> first_out = engine.upscale(first);
  for (const auto& [y, x] : {std::pair{0, 0}, {100, 299}, {0, 150}, {50, 0}, {100, 31}, {96, 299}, {32, 128}}) {
    Tensor<float> second = first, out(first_out.shape());
    second(0, 0, y, x) = 1 - second(0, 0, y, x);
    engine.upscale(plane_of(std::as_const(second)), plane_of(out),
                   {.previous_input = plane_of(first), .previous_output = plane_of(first_out)});
    ASSERT_EQ(out, engine.upscale(second)) << x << ", " << y;
  }
}

INSTANTIATE_TEST_SUITE_P(, ExtendedEdges, testing::ValuesIn(networks_of_all_kinds()), [](const auto& test) {
  std::string name;
  for (const char c : test.param.name) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) name += c;
  }
  return name;
});

// A flat picture stays flat, in the corners, too, whichever model enlarges it.
TEST(FlatPictures, StayFlat) {
  for (const BuiltinModel& model : builtin_models()) {
    const Network network = builtin_network(model.name).value();
    for (const std::string& cpu : cpu_names()) {
      Engine engine(network, {.threads = 2, .cpu = cpu, .extend_edges = true});
      for (const auto& [height, width] : {std::pair<int64_t, ptrdiff_t>{1, 1}, {2, 3}, {21, 34}, {12, 700}}) {
        if (cpu == "reference" && width > 100) continue;
        for (const uint8_t level : {0, 128, 255}) {
          const std::vector<uint8_t> flat(static_cast<size_t>(height * width), level);
          std::vector<uint8_t> large(static_cast<size_t>(model.scale * model.scale * height * width), 7);
          const ConstPlane from{
              reinterpret_cast<const std::byte*>(flat.data()), width, height, width, SampleType::u8, 255, true};
          const Plane to{reinterpret_cast<std::byte*>(large.data()),
                         model.scale * width,
                         model.scale * height,
                         static_cast<ptrdiff_t>(model.scale) * width,
                         SampleType::u8,
                         255,
                         true};
          engine.upscale(from, to);
          const auto [least, most] = std::minmax_element(large.begin(), large.end());
          EXPECT_TRUE(*least == level && *most == level)
              << model.name << ", " << cpu << ", " << width << "x" << height << " of " << int{level} << ": "
              << int{*least} << " to " << int{*most};
        }
      }
    }
  }
}

// What is not a number spoils what reads it or a copy of it.
TEST(NaNsAtExtendedEdges, StayInTheirReceptiveField) {
  const Network network = test::random_network(8, 5, 2, 2, 22);
  for (const auto& [y, x] : {std::pair{0, 0}, {0, 70}, {20, 0}, {39, 99}, {20, 50}}) {
    Tensor<float> picture = test::random_tensor({1, 1, 40, 100}, 9);
    picture(0, 0, y, x) = NAN;
    const Tensor<double> expected = reference(network, picture);
    for (const std::string& cpu : cpu_names()) {
      const Tensor<float> output =
          Engine(network, {.threads = 2, .cpu = cpu, .strip_columns = 64, .extend_edges = true}).upscale(picture);
      for (int64_t i = 0; i < output.count(); ++i) {
        ASSERT_EQ(std::isnan(output.data()[i]), std::isnan(expected.data()[i])) << cpu << " at " << i;
        if (std::isnan(output.data()[i])) continue;
        ASSERT_NEAR(output.data()[i], expected.data()[i], 1e-5) << cpu;
      }
    }
  }
}

}  // namespace
}  // namespace fsrcnn
