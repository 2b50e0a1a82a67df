#include "porting/dump_folder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <set>

#include <fmt/format.h>

#include "base/atomic_output.hpp"
#include "engine/reference_network.hpp"
#include "network/builtin.hpp"
#include "network/formats/npz.hpp"
#include "network/formats/pytorch.hpp"
#include "porting/right_values.hpp"
#include "porting/trace.hpp"
#include "support/golden.hpp"
#include "support/networks.hpp"
#include "support/temporary_folder.hpp"

namespace fsrcnn {
namespace {
namespace fs = std::filesystem;

constexpr Shape kInput{1, 1, 10, 12};
const Tensor<float> kPicture = test::random_tensor(kInput, 11);  // NOLINT(cert-err58-cpp)

/// Files of the maps of a network by their names.
class DumpFolderTest : public testing::Test {
 protected:
  void put(const std::string& name, const Shape& shape) {
    fs::create_directories((folder_.path() / name).parent_path());
    write_file(folder_.path() / name, format_npy(test::random_tensor(shape, seed_++)));
  }

  Shape shape(size_t layer) const {
    const ValueShape s = shape_at(model_, {static_cast<int64_t>(layer), true});
    return {1, s.channels, kInput.h * s.scale, kInput.w * s.scale};
  }

  /// The names of the places, in order, of what was found.
  std::vector<std::string> found(const std::optional<Tensor<float>>& input = kPicture) {
    result_ = read_dump_folder(folder_.path(), model_, input);
    std::vector<std::string> names;
    for (const Dump& d : result_.dumps) names.push_back(d.name);
    return names;
  }

  const std::vector<std::string> all_ = {"feature_extraction", "shrinking", "mapping_1", "mapping_2",
                                         "mapping_3",          "mapping_4", "expanding", "preds"};
  Network model_ = *builtin_network("fsrcnn-x2");
  test::TemporaryFolder folder_;
  uint32_t seed_ = 1;
  DumpFolder result_;
};

TEST_F(DumpFolderTest, ReadsWhatTraceWritesAndTellsTheRest) {
  const fs::path to = folder_.path() / "dumps";
  write_trace(model_, test::random_tensor(kInput, 3), {}, to);
  result_ = read_dump_folder(to, model_, kPicture);
  EXPECT_EQ(result_.dumps.size(), 16U);
  std::set<std::string> reasons;
  for (const UnusedFile& u : result_.unused) reasons.insert(u.reason);
  EXPECT_EQ(reasons, (std::set<std::string>{"its format is not one that dumps are read from",
                                            "the input, which is given apart", "a step within deconvolution"}));
}

TEST_F(DumpFolderTest, KnowsFilesByNumber) {
  for (const int first : {0, 1}) {
    for (size_t i = 0; i < all_.size(); ++i)
      put(fmt::format("{}/layer_{:02}.npy", first, first + static_cast<int>(i)), shape(i));
    result_ = read_dump_folder(folder_.path() / std::to_string(first), model_, kPicture);
    ASSERT_EQ(result_.dumps.size(), 8U);
    EXPECT_EQ(result_.dumps[3].name, "mapping_2");
    EXPECT_EQ(result_.dumps[3].matched, fmt::format("by its number, counted from {}", first));
  }
}

TEST_F(DumpFolderTest, KnowsFilesByNumberWithTheInputInFront) {
  put("t0.npy", kInput);
  for (size_t i = 0; i < all_.size(); ++i) put(fmt::format("t{}.npy", i + 1), shape(i));
  EXPECT_EQ(found(), all_);
}

TEST_F(DumpFolderTest, GuessesNoNumbersWhereShapesDisagree) {
  for (size_t i = 0; i < all_.size(); ++i) put(fmt::format("t{}.npy", i), shape(all_.size() - 1 - i));
  // Reversed: only what has a shape of its own is known.
  EXPECT_EQ(found(), (std::vector<std::string>{"preds"}));
  EXPECT_EQ(result_.unused.size(), 7U);
}

TEST_F(DumpFolderTest, KnowsKeysWithinNamesOfNodes) {
  const char* const names[] = {"_first_part_first_part.1_PRelu_output_0.npy", "_mid_part_mid_part.1_PRelu_output_0.npy",
                               "_mid_part_mid_part.2_Conv_output_0.npy", "_mid_part_mid_part.10_Conv_output_0.npy",
                               "_mid_part_mid_part.11_PRelu_output_0.npy"};
  const size_t layers[] = {0, 1, 2, 6, 6};
  for (size_t i = 0; i < 5; ++i) put(names[i], shape(layers[i]));
  EXPECT_EQ(found(), (std::vector<std::string>{"feature_extraction", "shrinking", "mapping_1_convolution",
                                               "expanding_convolution", "expanding"}));
}

TEST_F(DumpFolderTest, KnowsNamesThatBeginLikeTheLayers) {
  put("out/feat.npy", shape(0));
  put("out/shrink_out.npy", shape(1));
  put("out/map1.npy", shape(2));
  put("out/map4_conv.npy", shape(5));
  put("out/expand.npy", shape(6));
  put("out/deconv.npy", shape(7));
  EXPECT_EQ(found(), (std::vector<std::string>{"feature_extraction", "shrinking", "mapping_1", "mapping_4_convolution",
                                               "expanding", "preds"}));
}

TEST_F(DumpFolderTest, CountsMappingsFromZeroWhereTheFolderDoes) {
  for (int i = 0; i < 4; ++i) put(fmt::format("layer{}_mapping_{}_output.npy", i + 3, i), shape(2));
  EXPECT_EQ(found(), (std::vector<std::string>{"mapping_1", "mapping_2", "mapping_3", "mapping_4"}));
  // They count the layers, so that others need no name.
  put("layer1_first_output.npy", shape(0));
  put("layer2_thin_output.npy", shape(1));
  put("layer9_other_output.npy", shape(1));
  EXPECT_EQ(found(), (std::vector<std::string>{"feature_extraction", "shrinking", "mapping_1", "mapping_2", "mapping_3",
                                               "mapping_4"}));
  EXPECT_EQ(result_.dumps[1].matched, "by its number 2");
}

TEST_F(DumpFolderTest, KnowsAShapeThatOneLayerHas) {
  put("a.npy", shape(7));
  put("b.npy", shape(2));
  EXPECT_EQ(found(), (std::vector<std::string>{"preds"}));
  ASSERT_EQ(result_.unused.size(), 1U);
  EXPECT_NE(result_.unused[0].reason.find("fits several (shrinking to mapping 4)"), std::string::npos)
      << result_.unused[0].reason;
}

TEST_F(DumpFolderTest, ListsWhatItCannotUse) {
  put("shrinking.npy", shape(1));
  put("sub/shrinking.npy", shape(1));
  put("strange.npy", {1, 5, 3, 3});
  write_file(folder_.path() / "notes.txt", as_bytes("these are no numbers"));
  write_file(folder_.path() / "manifest.json", as_bytes("{}"));
  EXPECT_EQ(found(), (std::vector<std::string>{"shrinking"}));
  EXPECT_EQ(result_.unused.size(), 4U);
}

TEST_F(DumpFolderTest, ReadsArchives) {
  StateDict tensors;
  for (size_t i = 0; i < 3; ++i) {
    const Shape s = shape(i);
    const Tensor<float> t = test::random_tensor(s, 5);
    tensors.tensors.push_back({all_[i], {s.n, s.c, s.h, s.w}, t.values()});
  }
  write_file(folder_.path() / "maps.npz", format_npz(tensors));
  EXPECT_EQ(found(), (std::vector<std::string>{"feature_extraction", "shrinking", "mapping_1"}));
  fs::remove(folder_.path() / "maps.npz");
  write_file(folder_.path() / "maps.pt", format_pytorch(tensors));
  EXPECT_EQ(found(), (std::vector<std::string>{"feature_extraction", "shrinking", "mapping_1"}));
  EXPECT_EQ(result_.dumps[1].tensor.to_float().values(), tensors.tensors[1].values);
}

/// What the network makes of the picture at a place.
Tensor<float> value_at(const Network& model, const NetworkPlace& place) {
  return *RightValues(model, kPicture).at(place);
}

// As people name what they dump, without a look into this program's documents.
TEST_F(DumpFolderTest, KnowsNamesOfPeople) {
  const auto expect = [&](const std::vector<std::pair<std::string, NetworkPlace>>& files) {
    for (const auto& [name, place] : files)
      write_file(folder_.path() / (name + ".npy"), format_npy(value_at(model_, place)));
    found();
    for (const auto& [name, place] : files) {
      const auto dump = std::find_if(result_.dumps.begin(), result_.dumps.end(),
                                     [&, n = name](const Dump& d) { return fs::path(d.file).stem() == n; });
      if (dump == result_.dumps.end()) {
        ADD_FAILURE() << name << " is not used";
        continue;
      }
      EXPECT_EQ(dump->name, name_of(model_, place)) << name;
      if (name.find("expanding") == std::string::npos) {
        EXPECT_FALSE(dump->matched.empty()) << name;
      }
    }
    for (const auto& [name, place] : files) fs::remove(folder_.path() / (name + ".npy"));
  };
  expect({{"conv1_out", {0, true}},
          {"conv2_out", {1, true}},
          {"conv3_1_out", {2, true}},
          {"conv3_2_out", {3, true}},
          {"conv3_3_out", {4, true}},
          {"conv3_4_out", {5, true}},
          {"conv4_out", {6, true}},
          {"deconv_out", {7, true}}});
  expect({{"layer1_relu", {0, true}}, {"layer1", {0, false}}, {"layer3_relu", {2, true}}, {"layer7", {6, true}}});
  expect(
      {{"conv0", {0, false}}, {"prelu0", {0, true}}, {"conv3", {3, false}}, {"prelu3", {3, true}}, {"sr", {7, true}}});
  expect(
      {{"conv1", {0, false}}, {"prelu1", {0, true}}, {"conv3", {2, false}}, {"prelu3", {2, true}}, {"hr", {7, true}}});
  expect({{"body.0", {0, false}},
          {"body.1", {0, true}},
          {"body.2", {1, false}},
          {"body.7", {3, true}},
          {"body.12", {6, false}},
          {"out_y", {7, true}}});
  expect({{"feature_extraction.0", {0, false}}, {"feature_extraction.1", {0, true}}, {"mapping_2_act", {3, true}}});
  expect({{"mapping.0", {2, false}}, {"mapping.1", {2, true}}, {"mapping.6", {5, false}}, {"y_hat_sr", {7, true}}});
  // Caffe's: two digits are a part of the third layer.
  expect({{"conv1", {0, true}},
          {"conv2", {1, true}},
          {"conv22", {2, true}},
          {"conv23", {3, true}},
          {"conv24", {4, true}},
          {"conv25", {5, true}},
          {"conv3", {6, true}}});
  expect({{"a", {0, true}}, {"b", {3, true}}, {"c", {6, false}}});
}

TEST_F(DumpFolderTest, OneNumberAloneIsNotGuessedWhereNothingTellsIt) {
  put("layer9_other_output.npy", shape(1));
  put("feat.npy", shape(0));
  EXPECT_EQ(found(std::nullopt), std::vector<std::string>{"feature_extraction"});
}

// The choice is told, and why the others are not compared.
TEST_F(DumpFolderTest, ChoosesOfSeveralForOnePlace) {
  const Tensor<float> before = value_at(model_, {0, false}), after = value_at(model_, {0, true});
  Tensor<float> wrong = after;
  for (float& v : wrong.values()) v = -v;
  write_file(folder_.path() / "first_part_out.npy", format_npy(after));
  write_file(folder_.path() / "feat.npy", format_npy(wrong));
  write_file(folder_.path() / "feature_extraction_prelu.npy", format_npy(after));
  EXPECT_EQ(found(), std::vector<std::string>{"feature_extraction"});
  EXPECT_EQ(fs::path(result_.dumps[0].file).filename(), "feature_extraction_prelu.npy");
  ASSERT_EQ(result_.unused.size(), 2U);
  const auto reason = [&](const std::string& file) {
    for (const UnusedFile& u : result_.unused) {
      if (fs::path(u.file).filename() == file) return u.reason;
    }
    return std::string();
  };
  EXPECT_TRUE(reason("first_part_out.npy").starts_with("the same as ")) << reason("first_part_out.npy");
  EXPECT_NE(reason("feat.npy").find("feature_extraction_prelu.npy is compared, whose name says it more surely"),
            std::string::npos)
      << reason("feat.npy");
  // Two that are the two sides of the activation are both compared.
  fs::remove(folder_.path() / "feat.npy");
  fs::remove(folder_.path() / "first_part_out.npy");
  write_file(folder_.path() / "feature_extraction.npy", format_npy(before));
  EXPECT_EQ(found(), (std::vector<std::string>{"feature_extraction_convolution", "feature_extraction"}));
}

}  // namespace
}  // namespace fsrcnn
