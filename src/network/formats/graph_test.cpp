#include <gtest/gtest.h>

#include <filesystem>
#include <limits>
#include <string>
#include <string_view>

#include "base/atomic_output.hpp"
#include "network/builtin.hpp"
#include "network/formats/onnx.hpp"
#include "network/formats/safetensors.hpp"
#include "network/formats/tensorflow.hpp"
#include "network/formats/weights_file.hpp"
#include "network/formats/word_file.hpp"
#include "network/fsrcnn.hpp"
#include "support/golden.hpp"
#include "support/temporary_folder.hpp"

namespace fsrcnn {
namespace {

using test::error_of;
using test::golden;
using test::test_file;

void expect_equal(const StateDict& actual, const StateDict& expected) {
  EXPECT_EQ(actual.metadata, expected.metadata);
  ASSERT_EQ(actual.tensors.size(), expected.tensors.size());
  for (const NamedTensor& tensor : actual.tensors) {
    const NamedTensor* other = expected.find(tensor.name);
    ASSERT_NE(other, nullptr) << tensor.name;
    EXPECT_EQ(tensor, *other) << tensor.name;
  }
}

/// Of a model in one file.
Network parse_onnx_alone(Bytes bytes) {
  return parse_onnx(bytes, "x", [](const std::string& name) -> std::vector<std::byte> {
    ADD_FAILURE() << "asks for " << name;
    return {};
  });
}

StateDict tiny() { return to_state_dict(load_network(test_file("golden/tiny.safetensors"))); }

TEST(Onnx, ReadsWhatPyTorchExports) {
  for (const int opset : {11, 13, 17, 20}) {
    SCOPED_TRACE(opset);
    expect_equal(to_state_dict(load_network(test_file(fmt::format("golden/tiny_opset{}.onnx", opset)))), tiny());
  }
  for (const char* name : {"tiny_default", "tiny_not_folded"}) {
    SCOPED_TRACE(name);
    expect_equal(to_state_dict(load_network(test_file(fmt::format("golden/{}.onnx", name)))), tiny());
  }
  StateDict clamped = tiny();
  clamped.metadata["output_clip"] = "[0.0,1.0]";
  expect_equal(to_state_dict(load_network(test_file("golden/tiny_clamped.onnx"))), clamped);
  StateDict replicate = tiny();
  replicate.metadata["padding_mode"] = "replicate";
  expect_equal(to_state_dict(load_network(test_file("golden/tiny_replicate.onnx"))), replicate);
}

/// The bytes of tiny_clamped.onnx with other bounds at its end.
std::vector<std::byte> clipped_to(float low, float high) {
  Network network = load_network(test_file("golden/tiny_clamped.onnx"));
  network.output_clip = OutputClip{low, high};
  return format_onnx(network);
}

TEST(Onnx, KeepsTheClipAtTheEnd) {
  constexpr float kNone = std::numeric_limits<float>::infinity();
  const Network plain = load_network(test_file("golden/tiny.safetensors"));
  const auto holds = [](const std::vector<std::byte>& bytes, std::string_view op) {
    return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()).find(op) != std::string::npos;
  };
  EXPECT_FALSE(holds(format_onnx(plain), "output_clip"));
  const Network source = load_network(test_file("golden/tiny_clamped.onnx"));
  EXPECT_EQ(source.output_clip, (OutputClip{0, 1}));
  EXPECT_TRUE(source.notes.empty());
  EXPECT_TRUE(holds(format_onnx(source), "Clip"));
  EXPECT_TRUE(holds(clipped_to(0, kNone), "Relu"));
  for (const OutputClip clip : {OutputClip{0, 1}, OutputClip{0, kNone}, OutputClip{-1, 1}, OutputClip{-kNone, 1}}) {
    const Network network = parse_onnx_alone(clipped_to(clip.low, clip.high));
    EXPECT_EQ(network.output_clip, clip);
    EXPECT_EQ(network.notes.empty(), clip.low == 0);
    // The engine clamps anyway.
    EXPECT_EQ(canonical_bytes(network), canonical_bytes(plain));
    EXPECT_EQ(network_from_state_dict(to_state_dict(network), "w").output_clip, clip);
  }
  const std::string message = error_of([] { parse_onnx_alone(clipped_to(0, 255)); });
  EXPECT_NE(message.find("x: its output is clipped to 0 to 255, so its pixels seem to have values from 0 to 255; "
                         "expected 0 to 1"),
            std::string::npos)
      << message;
  StateDict wrong = tiny();
  for (const char* text : {"[0]", "[0.5,1]", "[0,0.5]", "0 1", "[\"0\",1]"}) {
    wrong.metadata["output_clip"] = text;
    EXPECT_NE(error_of([&] { network_from_state_dict(wrong, "w"); }).find("w: the metadata's output_clip is '"),
              std::string::npos)
        << text;
  }
}

TEST(Onnx, SaysThatItIsCutOff) {
  const std::vector<std::byte> bytes = golden("tiny_clamped.onnx");
  EXPECT_EQ(error_of([&] { parse_onnx_alone(Bytes(bytes).first(bytes.size() / 2)); }),
            "4: x: not a readable ONNX model: it ends in the middle of a field, so it is cut off or not ONNX; copy or "
            "export it again");
}

TEST(Onnx, ShippedFilesHoldTheCompiledInModels) {
  for (const BuiltinModel& builtin : builtin_models()) {
    std::string file(builtin.name);
    std::replace(file.begin(), file.end(), '-', '_');
    expect_equal(to_state_dict(load_network(test_file("../models/" + file + ".onnx"))),
                 to_state_dict(builtin_network(builtin.name).value()));
  }
}

TEST(Onnx, RoundTripsEveryDialect) {
  const Network deconvolution = *builtin_network("fsrcnn-x2");
  Network replicate = deconvolution, mixed = deconvolution;
  for (Layer& layer : replicate.layers) {
    if (layer.op == Layer::Op::convolution) layer.conv.padding_mode = PaddingMode::replicate;
    layer.slope.resize(std::min<size_t>(layer.slope.size(), 1));
  }
  Network border = replicate;
  border.layers.back().border = 1;
  border.layers.back().conv_transpose.padding = {6, 6};
  mixed.layers[3].conv.padding_mode = PaddingMode::replicate;
  const Network sub_pixel = load_network(test_file("golden/tiny_sub_pixel.safetensors"));
  for (const Network& network : {deconvolution, replicate, border, mixed, sub_pixel}) {
    const std::vector<std::byte> bytes = format_onnx(network);
    EXPECT_TRUE(looks_like_onnx(bytes));
    const Network back = parse_onnx_alone(bytes);
    EXPECT_EQ(canonical_bytes(back), canonical_bytes(network));
    expect_equal(to_state_dict(back), to_state_dict(network));
  }
}

TEST(Onnx, SaysWhatIsNotSupported) {
  std::vector<std::byte> bytes = golden("tiny_opset13.onnx");
  std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = text;
    changed.replace(changed.find(from), from.size(), to);
    return error_of([&] { parse_onnx_alone(as_bytes(changed)); });
  };
  EXPECT_NE(with("\"\x05PRelu", "\"\x05Gelu!").find("4: x: Gelu! '"), std::string::npos);
  EXPECT_NE(with("\"\x05PRelu", "\"\x05Gelu!").find("is an unsupported operator"), std::string::npos);
  EXPECT_NE(with("dilations\x40\x01", "dilations\x40\x02").find("changes the size of the picture"), std::string::npos);
  EXPECT_NE(with("dilations", "dilatxxns").find("has the attribute 'dilatxxns', which is not supported"),
            std::string::npos);
  for (size_t size = 0; size < bytes.size(); size += 37) {
    EXPECT_TRUE(error_of([&] { parse_onnx_alone(Bytes(bytes).first(size)); }).starts_with("4: x: ")) << size;
  }
}

// A clamp between layers is a layer's own; as the last it is what every output gets.
TEST(Onnx, KeepsAClampInside) {
  const Network inside = load_network(test_file("golden/tiny_clamped_inside.onnx"));
  EXPECT_EQ(inside.layers[1].activation, Layer::Activation::clamp);
  EXPECT_EQ(inside.layers[1].low, 0);
  EXPECT_EQ(inside.layers[1].high, 1);
  EXPECT_EQ(load_network(test_file("golden/tiny_clamped.onnx")).layers.back().activation, Layer::Activation::none);
}

TEST(Onnx, ReadsWeightsInAFileBesideAndNowhereElse) {
  const test::TemporaryFolder folder;
  const std::vector<std::byte> model = golden("tiny_default.onnx"), data = golden("tiny_default.onnx.data");
  const std::string text(reinterpret_cast<const char*>(model.data()), model.size());
  const auto message = [&](const std::string& from, const std::string& to) {
    std::string changed = text;
    // A name of as many characters, because lengths stand before it.
    for (size_t at = 0; (at = changed.find(from, at)) != std::string::npos; at += to.size()) {
      changed.replace(at, from.size(), to);
    }
    write_file(folder / "m.onnx", as_bytes(changed));
    return error_of([&] { load_network(folder / "m.onnx"); });
  };
  const std::string name = "tiny_default.onnx.data", offset =
                                                         "\x0a\x06offset\x12\x03"
                                                         "400";
  ASSERT_NE(text.find(name), std::string::npos);
  ASSERT_NE(text.find(offset), std::string::npos);
  EXPECT_NE(message(name, name).find("onnx.data' is missing; put it in the same folder"), std::string::npos);
  write_file(folder / name, data);
  EXPECT_EQ(message(name, name), "no error");
  std::filesystem::create_directory(folder / "inner");
  write_file(folder / "inner/_default.onnx.da", data);
  for (const char* other : {"inner/_default.onnx.da", "../tiny_default.x.data", "/iny_default.onnx.data"}) {
    EXPECT_NE(message(name, other).find("but only a file in the same folder is read"), std::string::npos) << other;
  }
  EXPECT_NE(message(offset,
                    "\x0a\x06offset\x12\x03"
                    "999")
                .find("at offset 999 of 'tiny_default.onnx.data', which has"),
            std::string::npos);
  EXPECT_NE(message(offset,
                    "\x0a\x06offset\x12\x03"
                    "-40")
                .find("is '-40', which is not a size"),
            std::string::npos);
  EXPECT_NE(message("length", "lengtx").find("should have 400 bytes, but has 1696"), std::string::npos);
  write_file(folder / name, Bytes(data).first(data.size() - 1));
  EXPECT_TRUE(message(name, name).starts_with("4: "));
  EXPECT_NE(message(name, name).find("cut off?"), std::string::npos);
  std::filesystem::remove(folder / name);
  std::filesystem::create_symlink(folder / "inner/_default.onnx.da", folder / name);
  EXPECT_NE(message(name, name).find("is not a regular file"), std::string::npos);
}

TEST(TensorFlow, ReadsAGraphAsOpenCVsUsersHave) {
  expect_equal(to_state_dict(load_network(test_file("golden/tiny_tensorflow.pb"))),
               to_state_dict(load_network(test_file("golden/tiny_sub_pixel.safetensors"))));
  const std::vector<std::byte> bytes = golden("tiny_tensorflow.pb");
  std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  text.replace(text.find("SAME"), 4, "VALI");
  EXPECT_NE(error_of([&] { parse_tensorflow(as_bytes(text), "x"); }).find("must have padding SAME"), std::string::npos);
  for (size_t size = 0; size < bytes.size(); size += 37) {
    EXPECT_TRUE(error_of([&] { parse_tensorflow(Bytes(bytes).first(size), "x"); }).starts_with("4: x: ")) << size;
  }
}

TEST(WordFile, SaysWhichLineIsWrong) {
  const auto message = [](std::string_view text, WordForm form) {
    return error_of([&] { parse_word_file(text, form, "x"); });
  };
  EXPECT_EQ(message("// a (2)\n3f800000\n", WordForm::mem), "4: x: tensor 'a' of shape (2) has 1 values");
  EXPECT_EQ(message("// a (2)\n3f800000\n3f8\n", WordForm::mem),
            "4: x, line 3: '3f8' is not a float32 written as 8 hexadecimal digits");
  EXPECT_NE(message("3f800000\n", WordForm::mem).find("line 1: a value precedes the first comment"), std::string::npos);
  EXPECT_EQ(message("// a (1)\nstatic const float a[1] = {\nx1\n};", WordForm::c_header),
            "4: x, line 3: 'x1' is not a number");
  EXPECT_EQ(message("", WordForm::coe), "4: x: it has no comment with a tensor's name and shape");
}

}  // namespace
}  // namespace fsrcnn
