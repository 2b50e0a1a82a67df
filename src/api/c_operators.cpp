#include <memory>
#include <vector>

#include "api/c_call.hpp"
#include "base/thread_pool.hpp"
#include "nn/check.hpp"
#include "nn/conv_transpose2d.hpp"

using namespace fsrcnn::c_api;

struct fsrcnn_conv_transpose2d {
  fsrcnn::ConvTranspose2d op;
  std::shared_ptr<fsrcnn::ThreadPool> pool;
};

namespace {

fsrcnn::Shape shape_of(const int64_t* shape) { return {shape[0], shape[1], shape[2], shape[3]}; }

fsrcnn::Pair pair_of(const int64_t* pair) { return {pair[0], pair[1]}; }

}  // namespace

fsrcnn_conv_transpose2d* fsrcnn_conv_transpose2d_create(const float* weight, const int64_t weight_shape[4],
                                                        const float* bias, const fsrcnn_conv_transpose2d_params* params,
                                                        const fsrcnn_options* options) {
  return result_of<fsrcnn_conv_transpose2d*>(nullptr, [&] {
    require(weight, "weight");
    require(weight_shape, "weight_shape");
    const fsrcnn_conv_transpose2d_params& p = required(params, "params");
    check_reserved(p.reserved, "params");
    const fsrcnn::ConvTranspose2dParams checked{.stride = pair_of(p.stride),
                                                .padding = pair_of(p.padding),
                                                .output_padding = pair_of(p.output_padding),
                                                .dilation = pair_of(p.dilation),
                                                .groups = p.groups};
    const fsrcnn::Shape shape = shape_of(weight_shape);
    // Before anything is read, for it is they that say how much there is.
    fsrcnn::check_conv_transpose2d(shape, 0, checked);
    const int64_t count = fsrcnn::checked_count(shape, sizeof(float));
    const int64_t outputs = fsrcnn::checked_count({1, shape.c * p.groups, 1, 1}, sizeof(float));
    fsrcnn::check_floats(weight, count, "weight");
    fsrcnn::check_floats(bias, 0, "bias");
    const fsrcnn::UpscalerOptions chosen = options_of(options);
    const std::vector<float> biases = bias == nullptr ? std::vector<float>() : std::vector<float>(bias, bias + outputs);
    return new fsrcnn_conv_transpose2d{
        fsrcnn::ConvTranspose2d(fsrcnn::Tensor<float>(shape, std::vector<float>(weight, weight + count)), biases,
                                checked, chosen.cpu),
        fsrcnn::thread_pool_for(chosen.executor, chosen.threads)};
  });
}

void fsrcnn_conv_transpose2d_destroy(fsrcnn_conv_transpose2d* op) { delete op; }

int fsrcnn_conv_transpose2d_output_shape(const fsrcnn_conv_transpose2d* op, const int64_t input_shape[4],
                                         int64_t output_shape[4]) {
  return code_of([&] {
    const fsrcnn::Shape shape = required(op, "op").op.output_shape(shape_of(&required(input_shape, "input_shape")));
    require(output_shape, "output_shape");
    output_shape[0] = shape.n;
    output_shape[1] = shape.c;
    output_shape[2] = shape.h;
    output_shape[3] = shape.w;
  });
}

int fsrcnn_conv_transpose2d_run_f32(fsrcnn_conv_transpose2d* op, const float* input, const int64_t input_shape[4],
                                    float* output) {
  return code_of([&] {
    require(op, "op");
    require(input_shape, "input_shape");
    require(input, "input");
    require(output, "output");
    const fsrcnn::Shape in = shape_of(input_shape), out = op->op.output_shape(in);
    const int64_t inputs = fsrcnn::checked_count(in, sizeof(float)),
                  outputs = fsrcnn::checked_count(out, sizeof(float));
    fsrcnn::check_floats(input, inputs, "input");
    fsrcnn::check_floats(output, outputs, "output");
    fsrcnn::check_apart(input, inputs, "input", output, outputs, "output");
    op->op({input, in}, output, *op->pool);
  });
}
