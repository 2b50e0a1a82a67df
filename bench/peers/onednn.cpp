// One transposed convolution by oneDNN, as a library for ctypes (peer_onednn.py). Weights are reordered once, in
// create.
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <unordered_map>

namespace {

using dnnl::memory;
using Arguments = std::unordered_map<int, memory>;

// What form the input and output have when the clock runs.
enum Form {
  kNchw = 0,           // NCHW, and oneDNN is asked to compute on it
  kReordered = 1,      // NCHW, reordered to and from the layout that oneDNN likes best, within the time
  kOwnLayout = 2,      // the layout that oneDNN likes best, as inside of a network; reorders are not within the time
  kOwnLayoutAvx2 = 3,  // the same without AVX-512, whose kernel for strides is wrong for some shapes in oneDNN 3.2
};

struct Operator {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  Form form = kNchw;
  memory input, output;          // NCHW, the caller's
  memory own_input, own_output;  // in the primitive's layouts; the same as above for kNchw
  dnnl::deconvolution_forward primitive;
  Arguments arguments;

  void reorder(memory& from, memory& to) { dnnl::reorder(from, to).execute(stream, from, to); }
};

thread_local std::string last_error;

memory::desc plain(const memory::dims& dims, memory::format_tag tag) { return {dims, memory::data_type::f32, tag}; }

std::unique_ptr<Operator> create(const float* weight, const float* bias, float* input, float* output, const int64_t* p,
                                 Form form) {
  using tag = memory::format_tag;
  const int64_t in = p[0], out = p[1], groups = p[14];
  const memory::dims kernel{p[4], p[5]}, stride{p[6], p[7]}, padding{p[8], p[9]};
  const memory::dims source{1, in, p[2], p[3]}, destination{1, out, p[12], p[13]};
  // oneDNN's padding at the end takes the place of output_padding, which crops less there.
  const memory::dims padding_end{padding[0] - p[10], padding[1] - p[11]};

  if (form == kOwnLayoutAvx2) dnnl::set_max_cpu_isa(dnnl::cpu_isa::avx2);  // once for the whole process
  auto op = std::make_unique<Operator>();
  op->form = form;
  // PyTorch's weight is (in, out / groups, kh, kw) and oneDNN's (groups, out / groups, in / groups, kh, kw).
  const int64_t taps = kernel[0] * kernel[1], out_group = out / groups, in_group = in / groups;
  const memory::dims weight_dims{groups, out_group, in_group, kernel[0], kernel[1]};
  const memory::dims weight_strides{in_group * out_group * taps, taps, out_group * taps, kernel[1], 1};
  const bool grouped = groups > 1;
  auto dims_of = [grouped](const memory::dims& d) { return grouped ? d : memory::dims(d.begin() + 1, d.end()); };
  const memory::desc weight_desc(dims_of(weight_dims), memory::data_type::f32, dims_of(weight_strides));

  const tag layout = form == kNchw ? tag::nchw : tag::any;
  const dnnl::deconvolution_forward::primitive_desc description(
      op->engine, dnnl::prop_kind::forward_inference, dnnl::algorithm::deconvolution_direct, plain(source, layout),
      plain(dims_of(weight_dims), tag::any), plain({out}, tag::x), plain(destination, layout), stride, padding,
      padding_end);
  op->primitive = dnnl::deconvolution_forward(description);
  op->input = memory(plain(source, tag::nchw), op->engine, input);
  op->output = memory(plain(destination, tag::nchw), op->engine, output);
  const bool same_input = description.src_desc() == op->input.get_desc();
  const bool same_output = description.dst_desc() == op->output.get_desc();
  op->own_input = same_input ? op->input : memory(description.src_desc(), op->engine);
  op->own_output = same_output ? op->output : memory(description.dst_desc(), op->engine);

  memory plain_weight(weight_desc, op->engine, const_cast<float*>(weight));
  memory packed_weight(description.weights_desc(), op->engine), own_bias(plain({out}, tag::x), op->engine);
  op->reorder(plain_weight, packed_weight);
  if (!same_input) op->reorder(op->input, op->own_input);
  op->stream.wait();
  std::memcpy(own_bias.get_data_handle(), bias, static_cast<size_t>(out) * sizeof(float));
  op->arguments = {{DNNL_ARG_SRC, op->own_input},
                   {DNNL_ARG_WEIGHTS, packed_weight},
                   {DNNL_ARG_BIAS, own_bias},
                   {DNNL_ARG_DST, op->own_output}};
  return op;
}

template <typename Function>
int guarded(Function function) {
  try {
    function();
    return 0;
  } catch (const std::exception& e) {
    last_error = e.what();
    return 1;
  }
}

}  // namespace

extern "C" {

const char* peer_last_error() { return last_error.c_str(); }

const char* peer_version() {
  const dnnl_version_t* v = dnnl_version();
  static const std::string text =
      std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch);
  return text.c_str();
}

// p: in, out, input h w, kernel h w, stride h w, padding h w, output_padding h w, output h w, groups
void* peer_create(const float* weight, const float* bias, float* input, float* output, const int64_t* p, int form) {
  Operator* result = nullptr;
  guarded([&] { result = create(weight, bias, input, output, p, static_cast<Form>(form)).release(); });
  return result;
}

void peer_destroy(void* handle) { delete static_cast<Operator*>(handle); }

int peer_run(void* handle) {
  auto& op = *static_cast<Operator*>(handle);
  return guarded([&] {
    if (op.form == kReordered && op.own_input != op.input) op.reorder(op.input, op.own_input);
    op.primitive.execute(op.stream, op.arguments);
    if (op.form == kReordered && op.own_output != op.output) op.reorder(op.own_output, op.output);
    op.stream.wait();
  });
}

// Brings the last result of kOwnLayout and kOwnLayoutAvx2 to the caller's output.
int peer_fetch(void* handle) {
  auto& op = *static_cast<Operator*>(handle);
  return guarded([&] {
    if (op.own_output != op.output) op.reorder(op.own_output, op.output);
    op.stream.wait();
  });
}
}
