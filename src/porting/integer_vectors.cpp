#include "porting/integer_vectors.hpp"

#include <span>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "network/describe.hpp"
#include "porting/vectors_folder.hpp"

namespace fsrcnn {

// Made by the build from vectors/.
extern const unsigned char kVectorsCheck[], kIntegerLayer[], kIntegerHeader[];  // NOLINT(modernize-avoid-c-arrays)
extern const unsigned char kVectorsBench[], kVerilogLayer[], kIntegerReadme[];  // NOLINT(modernize-avoid-c-arrays)
extern const unsigned long kVectorsCheckSize, kIntegerLayerSize, kIntegerHeaderSize;
extern const unsigned long kVectorsBenchSize, kVerilogLayerSize, kIntegerReadmeSize;

namespace {

using Json = nlohmann::ordered_json;

constexpr int kByte = 8, kSum = 32;
constexpr int kManyBits = 32;  // of an interpolation's weights

/// A file of words, how many bits they have and how many they are. Without a name the layer has none.
struct WordFile {
  std::string name = {};
  int bits = kByte;
  size_t count = 1;
};

/// A layer's files.
struct LayerFiles {
  WordFile weight, bias, slope, rescale, table;
};

/// Words of two's complement, one a line, as $readmemh reads them.
std::string words_text(const std::string& remark, const std::vector<double>& values, int bits) {
  const int digits = (bits + 3) / 4;
  std::string text = "// " + remark + "\n";
  for (const double value : values) {
    const auto word = static_cast<uint64_t>(static_cast<int64_t>(value));
    text += fmt::format("{:0{}x}\n", word & ((uint64_t{1} << (4 * digits)) - 1), digits);
  }
  return text;
}

class IntegerWriter {
 public:
  IntegerWriter(const IntegerNetwork& network, const std::filesystem::path& folder)
      : integers_(network), network_(network.network), folder_(folder) {
    std::filesystem::create_directory(folder_.path("weights"));
  }

  void write(const Tensor<float>& input, const std::string& input_name) {
    const std::vector<Tensor<double>> values = run_integers(integers_, input);
    manifest_ = {{"arithmetic", arithmetic()}, {"network", family_of(network_)}, {"scale", network_.scale}};
    if (integers_.fixed) manifest_["fixed_point"] = fixed_point();
    write_tensor("00_input.mem", values[0], kNetworkInput);
    manifest_["input"] = {{"from", input_name}};
    manifest_["input"].update(value_json(kNetworkInput, values[0].shape()));
    manifest_["layers"] = Json::array();
    for (size_t i = 0; i < network_.layers.size(); ++i) {
      write_tensor(file_of(static_cast<int>(i)), values[i + 1], static_cast<int>(i));
      add_layer(i, values[static_cast<size_t>(network_.layers[i].inputs[0] + 1)].shape(), values[i + 1].shape());
    }
    write_programs();
    folder_.write_json("manifest.json", manifest_);
    folder_.commit();
  }

 private:
  int value_bits() const { return integers_.fixed ? integers_.fixed->bits() : kByte; }

  std::string arithmetic() const {
    return integers_.fixed ? to_string(NumberType{NumberType::Kind::fixed, *integers_.fixed}) : "int8";
  }

  /// A rounding's name, of the same in C and in Verilog.
  std::pair<const char*, const char*> rounding() const {
    switch (integers_.fixed ? integers_.fixed->rounding : Rounding::half_up) {
      case Rounding::half_up: return {"HALF_UP", "half up"};
      case Rounding::half_even: return {"HALF_EVEN", "half even"};
      case Rounding::down: return {"DOWN", "down"};
      case Rounding::toward_zero: break;
    }
    return {"TOWARD_ZERO", "toward zero"};
  }

  Json fixed_point() const {
    return {{"bits", integers_.fixed->bits()},
            {"fraction_bits", integers_.fixed->fraction_bits},
            {"rounding", rounding().second},
            {"overflow", integers_.fixed->overflow == Overflow::saturate ? "saturate" : "wrap"}};
  }

  std::string file_of(int value) const {
    return value == kNetworkInput ? "00_input.mem" : layer_file_name(network_, static_cast<size_t>(value)) + ".mem";
  }

  Json value_json(int value, const Shape& s) const {
    return {{"file", file_of(value)},
            {"shape", {s.n, s.c, s.h, s.w}},
            {"scale", integers_.scale_of(value)},
            {"zero_point", integers_.zero_of(value)}};
  }

  void write_tensor(const std::string& file, const Tensor<double>& x, int value) const {
    const Shape s = x.shape();
    const std::string remark = fmt::format(
        "{}: shape {} {} {} {} {}", file, s.n, s.c, s.h, s.w,
        integers_.fixed
            ? "type " + arithmetic()
            : fmt::format("u8, a value v is (v - {}) * {}", integers_.zero_of(value), integers_.scale_of(value)));
    folder_.write(file, words_text(remark, x.values(), value_bits()));
  }

  WordFile write_weights(size_t index, const char* what, const std::vector<double>& values, int bits) const {
    if (values.empty()) return {.name = {}, .bits = bits};
    WordFile file{fmt::format("weights/{}.{}.mem", layer_file_name(network_, index), what), bits, values.size()};
    folder_.write(file.name,
                  words_text(fmt::format("{}: {} words of {} bits", file.name, values.size(), bits), values, bits));
    return file;
  }

  LayerFiles write_layer(size_t index) const {
    const IntegerLayer& l = integers_.layers[index];
    const bool is_fixed = integers_.fixed.has_value(), has_weight = network_.layers[index].has_weight();
    std::vector<double> bias = l.bias, rescale;
    if (is_fixed) {
      for (double& b : bias) b /= static_cast<double>(int64_t{1} << integers_.fixed->fraction_bits);
    }
    for (size_t o = 0; o < l.positive.size(); ++o) {
      for (const Rescale& r : {l.positive[o], l.negative[o]}) {
        rescale.push_back(static_cast<double>(r.multiplier)), rescale.push_back(static_cast<double>(r.shift));
      }
    }
    return {.weight = write_weights(index, "weight", l.weight.values(), has_weight ? value_bits() : kManyBits),
            .bias = write_weights(index, "bias", bias, is_fixed ? value_bits() : kSum),
            .slope = write_weights(index, "slope", {l.slope.begin(), l.slope.end()}, value_bits()),
            .rescale = write_weights(index, "rescale", rescale, kSum),
            .table = write_weights(index, "table", {l.table.begin(), l.table.end()}, kByte)};
  }

  void add_layer(size_t index, const Shape& in, const Shape& out) {
    const Layer& layer = network_.layers[index];
    const IntegerLayer& l = integers_.layers[index];
    const LayerFiles files = write_layer(index);
    Json json = {{"layer", layer.name}, {"operator", operator_text(layer)}, {"inputs", Json::array()}};
    for (const int from : layer.inputs) json["inputs"].push_back(file_of(from));
    json["expected"] = value_json(static_cast<int>(index), out);
    json["padding"] = padding_text(layer);
    json["activation"] = activation_text(layer);
    json["clamped_to"] = {l.low, l.high};
    for (const auto& [what, file] : {std::pair{"weight", files.weight},
                                     {"bias", files.bias},
                                     {"slope", files.slope},
                                     {"rescale", files.rescale},
                                     {"table", files.table}}) {
      if (!file.name.empty()) json[what] = {{"file", file.name}, {"bits", file.bits}};
    }
    if (!files.weight.name.empty()) {
      const auto [n, c, h, w] = l.weight.shape();
      json["weight"]["shape"] = {n, c, h, w};
      if (!l.weight_scale.empty()) json["weight"]["scale"] = l.weight_scale;
      if (!layer.has_weight()) json["weight"]["fraction_bits"] = integers_.interpolation_bits();
    }
    if (!l.table.empty()) json["table"]["index_scale"] = l.table_scale;
    if (layer.op == Layer::Op::add && !integers_.fixed) json["multiplied_with"] = l.operands;
    manifest_["layers"].push_back(std::move(json));
    add_programs(index, in, out, files);
  }

  void add_programs(size_t index, const Shape& in, const Shape& out, const LayerFiles& files) {
    const Layer& layer = network_.layers[index];
    const IntegerLayer& l = integers_.layers[index];
    const bool transposed = layer.op == Layer::Op::transposed_convolution, adds = layer.op == Layer::Op::add;
    constexpr std::pair<const char*, const char*> kOps[] = {{"CONVOLUTION", "convolution"},  // NOLINT
                                                            {"TRANSPOSED_CONVOLUTION", "transposed convolution"},
                                                            {"DEPTH_TO_SPACE", "depth to space"},
                                                            {"ADDITION", "addition"},
                                                            {"INTERPOLATION", "interpolation"}};
    constexpr std::pair<const char*, const char*> kActivations[] = {// NOLINT
                                                                    {"NONE", "none"},
                                                                    {"RELU", "ReLU"},
                                                                    {"PRELU", "PReLU"},
                                                                    {"CLAMP", "clamp"},
                                                                    {"TANH", "tanh"}};
    const auto [op, operator_name] = kOps[static_cast<int>(layer.op)];
    const auto [activation, activation_name] = kActivations[static_cast<int>(layer.activation)];
    const int64_t others = adds ? (layer.inputs[1] == kNetworkInput
                                       ? network_.channels()
                                       : value_shapes(network_)[static_cast<size_t>(layer.inputs[1])].channels)
                                : 0;
    const Pair pad = program_padding(layer),
               dilation = transposed ? layer.conv_transpose.dilation : layer.conv.dilation;
    const Shape w = layer.weight.shape();
    const int replicate =
        layer.op == Layer::Op::convolution && layer.conv.padding_mode == PaddingMode::replicate ? 1 : 0;
    const int64_t zero = integers_.zero_of(layer.inputs[0]), other_zero = adds ? integers_.zero_of(layer.inputs[1]) : 0;
    const int is_int8 = integers_.fixed ? 0 : 1, wraps = integers_.fixed && integers_.fixed->overflow == Overflow::wrap;
    const int fraction_bits = integers_.fixed ? integers_.fixed->fraction_bits : 0;
    const int64_t groups = transposed ? 1 : layer.conv.groups, factor = out.h / in.h;
    const std::string name = c_string(layer.name), input = file_of(layer.inputs[0]);
    const std::string other = adds ? file_of(layer.inputs[1]) : "", expected = file_of(static_cast<int>(index));
    const size_t slopes = l.slope.size();

    table_ += fmt::format(
        "  {{{{\"{}\", {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},\n    {}, {}, {}, {}, {}, "
        "{}, "
        "{}, {}, {}, {}, {}, {}, {}, {}, 0, 0, 0, 0, 0}},\n",
        name, op, in.c, others, out.c, in.h, in.w, factor, w.h, w.w, pad.h, pad.w, dilation.h, dilation.w, groups,
        replicate, layer.border, activation, l.low, l.high, zero, other_zero, l.operands[0], l.operands[1], is_int8,
        value_bits(), fraction_bits, l.shift, rounding().first, wraps, slopes, l.zero);
    table_ += fmt::format("   \"{}\", \"{}\", \"{}\", \"{}\", \"{}\", {}, {}, {},\n   \"{}\", \"{}\", \"{}\"}},\n",
                          files.weight.name, files.bias.name, files.slope.name, files.rescale.name, files.table.name,
                          files.weight.bits, files.weight.count, files.bias.bits, input, other, expected);

    benches_ += fmt::format(
        "  bench #(\n    .NAME(\"{}\"), .OPERATOR(\"{}\"), .ACTIVATION(\"{}\"),\n    .INPUT_FILE(\"{}\"), "
        ".OTHER_FILE(\"{}\"), .EXPECTED_FILE(\"{}\"),\n    .WEIGHT_FILE(\"{}\"), .BIAS_FILE(\"{}\"), "
        ".SLOPE_FILE(\"{}\"),"
        "\n    .RESCALE_FILE(\"{}\"), .TABLE_FILE(\"{}\"),\n    .WEIGHT_BITS({}), .BIAS_BITS({}), .WEIGHTS({}), "
        ".SLOPES({}),\n",
        name, operator_name, activation_name, input, other, expected, files.weight.name, files.bias.name,
        files.slope.name, files.rescale.name, files.table.name, files.weight.bits, files.bias.bits, files.weight.count,
        files.slope.count);
    benches_ += fmt::format(
        "    .INPUTS({}), .OTHER_INPUTS({}), .OUTPUTS({}), .HEIGHT({}), .WIDTH({}), .FACTOR({}),\n    .KERNEL_H({}), "
        ".KERNEL_W({}), .PAD_H({}), .PAD_W({}), .DILATION_H({}), .DILATION_W({}), .GROUPS({}),\n    .REPLICATE({}), "
        ".BORDER({}), .LOW({}), .HIGH({}), .ZERO({}), .OTHER_ZERO({}), .SCALE({}), .OTHER_SCALE({}),\n",
        in.c, others, out.c, in.h, in.w, factor, w.h, w.w, pad.h, pad.w, dilation.h, dilation.w, groups, replicate,
        layer.border, l.low, l.high, zero, other_zero, l.operands[0], l.operands[1]);
    benches_ += fmt::format(
        "    .IS_INT8({}), .BITS({}), .FRACTION_BITS({}), .SHIFT({}), .ROUNDING(\"{}\"), .WRAP({}), .OUTPUT_ZERO({})\n "
        " ) "
        "layer_{} (.start(done[{}]), .done(done[{}]), .right(right[{}]));\n\n",
        is_int8, value_bits(), fraction_bits, l.shift, rounding().second, wraps, l.zero, index + 1, index, index + 1,
        index + 1);
  }

  void write_programs() const {
    const auto put = [&](const char* name, const unsigned char* bytes, unsigned long size) {
      folder_.write(name, std::string_view(reinterpret_cast<const char*>(bytes), size));
    };
    put("check.c", kVectorsCheck, kVectorsCheckSize);
    put("layer.c", kIntegerLayer, kIntegerLayerSize);
    put("layer.h", kIntegerHeader, kIntegerHeaderSize);
    put("bench.v", kVectorsBench, kVectorsBenchSize);
    put("layer.v", kVerilogLayer, kVerilogLayerSize);
    put("README.md", kIntegerReadme, kIntegerReadmeSize);
    folder_.write(
        "table.h",
        fmt::format("/* Made by `fsrcnn vectors`: where everything lies. */\n#define FORM_TEXT 0\n#define FORM_NPY "
                    "1\n#define FORM_MEM 2\n#define FORM_WORDS 3\n#define FORM FORM_WORDS\n\n"
                    "#define VALUE_BITS {} /* below 0: without a sign */\n\n"
                    "struct entry {{\n  struct layer layer;\n"
                    "  const char *weight, *bias, *slope, *rescale, *table; /* \"\": it has none */\n"
                    "  int weight_bits;\n  long weights;\n  int bias_bits;\n"
                    "  const char *input, *other, *expected;\n}};\n\n"
                    "static const struct entry table[] = {{\n{}}};\n",
                    integers_.fixed ? value_bits() : -value_bits(), table_));
    const size_t count = network_.layers.size();
    folder_.write(
        "vectors.v",
        fmt::format("// Made by `fsrcnn vectors`: a bench for each layer; each starts when the one before it is "
                    "done.\nmodule vectors;\n  wire [0:{0}] done;\n  wire [1:{0}] right;\n  "
                    "assign done[0] = 1;\n\n{1}  initial begin\n    wait (done[{0}]);\n"
                    "    if (&right) $display(\"all {0} layers are right\");\n"
                    "    else $display(\"not all of the {0} layers are right\");\n"
                    "`ifdef __ICARUS__\n    $finish_and_return(!(&right));\n`else\n    $finish;\n`endif\n"
                    "  end\nendmodule\n",
                    count, benches_));
  }

  const IntegerNetwork& integers_;
  const Network& network_;
  VectorFolder folder_;
  std::string table_, benches_;
  Json manifest_;
};

}  // namespace

void write_integer_vectors(const IntegerNetwork& network, const Tensor<float>& input, const std::string& input_name,
                           const std::filesystem::path& folder) {
  IntegerWriter(network, folder).write(input, input_name);
}

}  // namespace fsrcnn
