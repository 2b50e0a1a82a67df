#include "network/formats/weights_file.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <tuple>

#include "base/atomic_output.hpp"
#include "network/formats/npz.hpp"
#include "network/formats/pytorch.hpp"
#include "network/formats/safetensors.hpp"
#include "network/formats/slides_text.hpp"
#include "network/formats/zip_archive.hpp"
#include "network/fsrcnn.hpp"
#include "support/golden.hpp"
#include "support/temporary_folder.hpp"

namespace fsrcnn {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using test::golden;
using test::TemporaryFolder;
using test::test_file;

void expect_tiny(const Network& network) {
  const StateDict expected = parse_safetensors(golden("tiny.safetensors"), "tiny");
  const StateDict actual = to_state_dict(network);
  ASSERT_EQ(actual.tensors.size(), expected.tensors.size());
  for (const NamedTensor& tensor : actual.tensors) EXPECT_EQ(tensor, *expected.find(tensor.name)) << tensor.name;
}

TEST(WeightsFile, ReadsEveryContainer) {
  for (const char* name : {"tiny.safetensors", "tiny_zip.pth", "tiny_legacy.pth", "tiny_checkpoint.pth", "tiny.npz"}) {
    SCOPED_TRACE(name);
    expect_tiny(load_network(test_file(std::string("golden/") + name)));
  }
}

TEST(WeightsFile, EveryFormSurvivesARoundTrip) {
  const TemporaryFolder folder;
  const Network tiny = load_network(test_file("golden/tiny.safetensors"));
  for (const char* name : {"w.safetensors", "w.pth", "parameter/", "also_a_folder"}) {
    SCOPED_TRACE(name);
    save_network(tiny, folder / name);
    expect_tiny(load_network(folder / name));
  }
  EXPECT_EQ(load_network(folder / "w.safetensors").scale, 3);
  EXPECT_EQ(load_network(folder / "w.pth").scale, 0);
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"also_a_folder", "parameter", "w.pth", "w.safetensors"}));
  EXPECT_NE(error_of([&] { save_network(tiny, folder / "w.xyz"); }).find("2: "), std::string::npos);
}

TEST(WeightsFile, TakesTheScaleFromTheName) {
  const TemporaryFolder folder;
  const auto scale_of = [&](const std::string& name) {
    write_file(folder / name, golden("tiny_zip.pth"));
    return load_network(folder / name).scale;
  };
  EXPECT_EQ(scale_of("fsrcnn_x2.pth"), 2);
  EXPECT_EQ(scale_of("X4-best.pth"), 4);
  EXPECT_EQ(scale_of("fsrcnn_x22.pth"), 0);
  EXPECT_EQ(scale_of("box2.pth"), 0);
  EXPECT_EQ(scale_of("4x-photo.pth"), 4);
  EXPECT_EQ(scale_of("fsrcnn_4x.pth"), 4);
  EXPECT_EQ(scale_of("4x_fsrcnn.pth"), 4);
  EXPECT_EQ(scale_of("2xPhoto.pth"), 2);
  EXPECT_EQ(scale_of("general-x4v3.pth"), 4);
  EXPECT_EQ(scale_of("from_x2_to_x4.pth"), 0);
  EXPECT_EQ(scale_of("64x64.pth"), 0);
  EXPECT_EQ(load_network(folder / "box2.pth", 4).scale, 4);
  EXPECT_EQ(error_of([&] { load_network(folder / "fsrcnn_x2.pth", 4); }),
            "4: " + (folder / "fsrcnn_x2.pth").string() +
                ": its name says scale 2, but scale 4 was requested; rename it if the name is wrong");
}

TEST(Pytorch, ReadsNumbersOfEveryWidth) {
  const StateDict tiny = parse_safetensors(golden("tiny.safetensors"), "tiny");
  for (const auto& [name, tolerance] :
       {std::pair("half", 5e-4), std::pair("bfloat16", 4e-3), std::pair("double", 0.0)}) {
    SCOPED_TRACE(name);
    const StateDict read = parse_pytorch(golden(fmt::format("networks/tiny_{}.pth", name)), "x");
    ASSERT_EQ(read.tensors.size(), tiny.tensors.size());
    for (const NamedTensor& tensor : read.tensors) {
      EXPECT_NE(tensor.type, ElementType::f32);
      const std::vector<float>& expected = tiny.find(tensor.name)->values;
      for (size_t i = 0; i < expected.size(); ++i) {
        EXPECT_NEAR(tensor.values.at(i), expected[i], tolerance * std::abs(expected[i]) + 1e-7 * (tolerance > 0));
      }
    }
  }
}

TEST(Pytorch, FindsTheWeightsInACheckpoint) {
  // Averaged weights before others; a scale among the options of the script.
  const Network network = load_network(test_file("golden/networks/tiny_training.pth"));
  EXPECT_EQ(network.scale, 3);
  expect_tiny(network);
  ASSERT_EQ(network.notes.size(), 1U);
  EXPECT_EQ(network.notes[0], "its weights were read from 'params_ema'; it also has 'params'");
}

TEST(Pytorch, SaysHowToExportWhatIsNotWeightsAlone) {
  EXPECT_NE(error_of([] {
              load_network(test_file("golden/networks/tiny_module.pth"));
            }).find("it is a pickled model that needs the class 'fsrcnn.FSRCNN', not a state_dict"),
            std::string::npos);
  EXPECT_NE(error_of([] {
              load_network(test_file("golden/networks/tiny_script.pth"));
            }).find("it is a TorchScript program, not a state_dict. Save its weights with torch.save(torch.jit.load("),
            std::string::npos);
}

TEST(WeightsFile, ReadsTheSetOfAPortWithReluAndItsScales) {
  const TemporaryFolder folder;
  const auto write = [&](const std::string& name, const std::string& numbers) {
    write_file(folder / name, as_bytes(numbers));
  };
  const auto many = [](size_t count, int value) {
    std::string text;
    for (size_t i = 0; i < count; ++i) text += std::to_string(value) + "\n";
    return text;
  };
  // FSRCNN(2, 1, 1): batch normalisation and ReLU between the convolutions' numbers.
  const std::vector<std::tuple<std::string, size_t, size_t>> layers = {
      {"first_part_0", 50, 2}, {"mid_part_0", 2, 1}, {"mid_part_3", 9, 1}, {"mid_part_6", 2, 2}, {"last_part", 162, 2}};
  for (const auto& [name, weights, biases] : layers) {
    write(name + "_weight.txt", many(weights, 5));
    write(name + "_bias.txt", many(biases, name == "last_part" ? 0 : 51));
    write(name + "_w_scale.txt", "0.5\n");
    write(name + "_w_zp.txt", "1\n");
  }
  write("first_part_2_out_scale.txt", "4\n");
  write("first_part_2_out_zp.txt", "3\n");
  const Network network = load_network(folder.path(), 2);
  EXPECT_EQ(network.family, "FSRCNN(2, 1, 1)");
  EXPECT_EQ(network.layers[2].weight.values(), std::vector<float>(9, 2));  // (5 - 1) * 0.5
  EXPECT_FLOAT_EQ(network.layers[1].bias.at(0), 51 * 0.5F * 4 / 255);      // of products of outputs and weights
  EXPECT_EQ(network.layers[2].activation, Layer::Activation::relu);
  EXPECT_EQ(network.layers[4].bias, std::vector<float>{0});
  EXPECT_EQ(network.notes.size(), 1U);
  // Scales count in pixels of 0 to 255.
  EXPECT_EQ(network.input_quantisation, (Quantisation{1.0 / 255, 0, ElementType::u8}));
  EXPECT_EQ(network.layers[0].quantisation, (Quantisation{4.0 / 255, 3, std::nullopt}));
  EXPECT_EQ(network.layers[1].quantisation, std::nullopt);
  EXPECT_EQ(network.layers[3].weight_scales, std::vector<double>{0.5});
  write("last_part_bias.txt", "1\n2\n");
  EXPECT_NE(
      error_of([&] { load_network(folder.path(), 2); }).find("it has 2 biases, but the deconvolution has 1 output"),
      std::string::npos);
}

TEST(WeightsFile, SlidesFolderHasTheSlidesNames) {
  const TemporaryFolder folder;
  save_network(load_network(test_file("golden/tiny.safetensors")), folder / "parameter/");
  for (const char* name : {"kernel/first/kernel3_0.txt", "kernel/mid0/kernel1_3.txt", "kernel/mid2/kernel1_1.txt",
                           "kernel/mid4/kernel3_1.txt", "kernel/last/kernel3_0.txt", "bias/last/bias0_0.txt",
                           "bias/first/bias3_0.txt", "prelu/mid4/prelu3_0.txt"}) {
    EXPECT_TRUE(fs::exists(folder / "parameter" / name)) << name;
  }
  fs::remove(folder / "parameter/kernel/last/kernel2_0.txt");
  EXPECT_EQ(error_of([&] { load_network(folder / "parameter"); }),
            "4: " + (folder / "parameter/kernel/last/kernel2_0.txt").string() +
                ": the file is missing; the folder has kernel up to kernel3_0.txt");
  write_file(folder / "parameter/kernel/last/kernel2_0.txt", as_bytes("1 2 3\n4 5 6\n"));
  EXPECT_NE(
      error_of([&] { load_network(folder / "parameter"); }).find("kernel2_0.txt: the matrix is 2x3, but kernel0_0.txt"),
      std::string::npos);
}

TEST(WeightsFile, SaysWhereTheSlidesFolderIsAndWhatItLacks) {
  const TemporaryFolder folder;
  save_network(load_network(test_file("golden/tiny.safetensors")), folder / "parameter/");
  for (const char* inner : {"kernel", "kernel/last", "kernel/last/"}) {
    for (const auto load : {+[](const fs::path& path) { return load_network(path); },
                            +[](const fs::path& path) { return load_last_layer(path); }}) {
      EXPECT_TRUE(error_of([&] {
                    load(folder / "parameter" / inner);
                  }).ends_with("give the folder that holds it: " + (folder / "parameter").string()))
          << inner;
    }
  }
  fs::remove_all(folder / "parameter/bias/last");
  EXPECT_NE(error_of([&] {
              load_last_layer(folder / "parameter");
            }).find("parameter/bias/last: the folder is missing; expected files bias0_0.txt, ... in it, with 0 if"),
            std::string::npos);
}

TEST(SlidesText, ReadsAsNumpyDoes) {
  const NamedTensor matrix = parse_text_matrix("# kernel\n 1.5\t-2e-3 +3 \r\n\n4 5 1e-40 # last\n", "k.txt");
  EXPECT_EQ(matrix.shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(matrix.values, (std::vector<float>{1.5F, -2e-3F, 3, 4, 5, 1e-40F}));
  EXPECT_EQ(error_of([] { parse_text_matrix("1 2\n3\n", "k.txt"); }),
            "4: k.txt, line 2: it has 1 numbers, but the lines above have 2");
  EXPECT_EQ(error_of([] { parse_text_matrix("1 two\n", "k.txt"); }), "4: k.txt, line 1: 'two' is not a number");
  EXPECT_EQ(error_of([] { parse_text_matrix("1 1e999\n", "k.txt"); }), "4: k.txt, line 1: '1e999' is not a number");
  EXPECT_EQ(error_of([] { parse_text_matrix("\n#1\n", "k.txt"); }), "4: k.txt: it holds no numbers");
}

TEST(Pytorch, NeverCallsWhatAFileAsksFor) {
  for (const char* name : {"malicious_zip.pth", "malicious_legacy.pth"}) {
    const std::string message = error_of([&] { load_network(test_file(std::string("golden/") + name)); });
    EXPECT_NE(message.find("its pickle asks for 'posix.system', which weights never need"), std::string::npos)
        << message;
    EXPECT_TRUE(message.starts_with("4: ")) << message;
  }
  EXPECT_FALSE(fs::exists("fsrcnn_was_here"));
}

// Without limits, each of these few kilobytes takes gigabytes or minutes.
TEST(Pytorch, RefusesBombs) {
  const auto message = [](const char* name) {
    return error_of([&] { load_network(test_file(std::string("golden/") + name)); });
  };
  EXPECT_NE(message("bomb_key.pth").find("a storage is damaged"), std::string::npos) << message("bomb_key.pth");
  EXPECT_NE(message("bomb_global.pth").find("name that is too long"), std::string::npos) << message("bomb_global.pth");
  EXPECT_NE(message("bomb_memo.pth").find("larger than the 1048576 bytes"), std::string::npos)
      << message("bomb_memo.pth");
}

TEST(WeightsFile, SaysWhatIsNoWeights) {
  const TemporaryFolder folder;
  write_file(folder / "text.pth", as_bytes("not weights at all"));
  EXPECT_NE(error_of([&] { load_network(folder / "text.pth"); }).find("4: "), std::string::npos);
  EXPECT_NE(error_of([&] { load_network(folder / "none.pth"); }).find("5: reading"), std::string::npos);
  fs::create_directory(folder / "empty");
  EXPECT_NE(error_of([&] { load_network(folder / "empty"); }).find("kernel: the folder is missing"), std::string::npos);
}

// Every prefix and every flipped byte: an error, or (where no checksum guards the numbers) other weights; never a
// crash.
class DamagedFile : public testing::TestWithParam<const char*> {
 protected:
  StateDict parse(Bytes bytes) const {
    if (bytes.size() > 8 && bytes[8] == std::byte{'{'}) return parse_safetensors(bytes, "damaged");
    return GetParam() == std::string("tiny.npz") ? parse_npz(bytes, "damaged") : parse_pytorch(bytes, "damaged");
  }
  std::string load(Bytes bytes) const {
    return error_of([&] { network_from_state_dict(parse(bytes), "damaged"); });
  }
};

TEST_P(DamagedFile, TruncatedAnywhereIsAnError) {
  const std::vector<std::byte> bytes = golden(GetParam());
  ASSERT_EQ(load(bytes), "no error");
  for (size_t size = 0; size < bytes.size(); ++size) {
    // A copy of just this size lets the sanitizer see a read past the end.
    const std::vector<std::byte> cut(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size));
    ASSERT_TRUE(load(cut).starts_with("4: damaged")) << size << " bytes: " << load(cut);
  }
}

TEST_P(DamagedFile, FlippedBytesNeverCrash) {
  const std::vector<std::byte> bytes = golden(GetParam());
  int64_t refused = 0;
  for (size_t at = 0; at < bytes.size(); ++at) {
    for (const int flip : {0x01, 0x80, 0xff}) {
      std::vector<std::byte> damaged = bytes;
      damaged[at] ^= static_cast<std::byte>(flip);
      const std::string message = load(damaged);
      ASSERT_TRUE(message == "no error" || message.starts_with("4: ")) << "byte " << at << ": " << message;
      refused += message != "no error" ? 1 : 0;
    }
  }
  EXPECT_GT(refused, static_cast<int64_t>(bytes.size()) / 2);
}

INSTANTIATE_TEST_SUITE_P(All, DamagedFile,
                         testing::Values("tiny.safetensors", "tiny_zip.pth", "tiny_legacy.pth", "tiny_checkpoint.pth",
                                         "tiny.npz"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::replace(name.begin(), name.end(), '.', '_');
                           return name;
                         });

TEST(Npz, RefusesANameThatIsNoText) {
  std::vector<std::byte> bytes = golden("tiny.npz");
  const Bytes name = as_bytes("mid_part.0.bias.npy");
  int found = 0;
  // Of the entry, and in the archive's list.
  for (auto at = bytes.begin(); (at = std::search(at, bytes.end(), name.begin(), name.end())) != bytes.end(); ++found) {
    *at = std::byte{0xbf};
  }
  EXPECT_EQ(found, 2);
  EXPECT_EQ(error_of([&] { parse_npz(bytes, "damaged"); }), "4: damaged: the name of an entry is damaged");
}

TEST(Npz, RefusesThousandsOfEntriesAtOnce) {
  std::vector<std::pair<std::string, std::vector<std::byte>>> entries(5000);
  for (size_t i = 0; i < entries.size(); ++i) entries[i].first = fmt::format("{}.npy", i);
  const std::vector<std::byte> bytes = write_zip(entries);
  EXPECT_EQ(error_of([&] { looks_like_npz(bytes, "large"); }),
            "4: large: it has 5000 entries, more than the limit of 4096 for weights");
}

TEST(Pytorch, ChecksumsGuardTheNumbersOfAZip) {
  std::vector<std::byte> bytes = golden("tiny_zip.pth");
  const StateDict tiny = parse_pytorch(bytes, "tiny");
  const auto pattern = std::as_bytes(std::span(tiny.find("first_part.0.weight")->values).first(4));
  const auto found = std::search(bytes.begin(), bytes.end(), pattern.begin(), pattern.end());
  ASSERT_NE(found, bytes.end());
  *found ^= std::byte{1};
  EXPECT_NE(error_of([&] { parse_pytorch(bytes, "tiny"); }).find("is damaged: CRC error"), std::string::npos);
}

}  // namespace
}  // namespace fsrcnn
