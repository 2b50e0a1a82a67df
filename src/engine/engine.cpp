#include "engine/engine.hpp"

#include "base/cpu.hpp"
#include "base/error.hpp"

namespace fsrcnn {
namespace {

bool same_format(const ConstPlane& a, const ConstPlane& b) {
  return a.width == b.width && a.height == b.height && a.type == b.type && a.one == b.one &&
         a.full_range == b.full_range;
}

void check_planes(const Network& network, const ConstPlane* input, const Plane* output, const PreviousFrame& previous) {
  const auto channels = static_cast<size_t>(network.channels());
  if (previous.input.size() != previous.output.size()) {
    fail(ErrorCode::input, "the previous frame needs both input and output, or neither");
  }
  if (!previous.input.empty() && previous.input.size() != channels) {
    fail(ErrorCode::input, "the previous frame has {} planes, but the network has {} channels", previous.input.size(),
         channels);
  }
  for (size_t c = 0; c < channels; ++c) {
    const ConstPlane& in = input[c];
    const Plane& out = output[c];
    if (in.width < 1 || in.height < 1) {
      fail(ErrorCode::input, "the luma plane is {}x{}: it has no pixels", in.width, in.height);
    }
    if (out.width != network.scale * in.width || out.height != network.scale * in.height) {
      fail(ErrorCode::input, "a {}x{} plane at scale {} needs an output of {}x{}, but it is {}x{}", in.width, in.height,
           network.scale, network.scale * in.width, network.scale * in.height, out.width, out.height);
    }
    if (!previous.input.empty() &&
        (!same_format(previous.input[c], in) || !same_format(previous.output[c], const_view(out)))) {
      fail(ErrorCode::input, "the previous frame differs from this one in size, sample type or level");
    }
  }
}

}  // namespace

std::unique_ptr<Session> open_session(const Network& network, const SessionOptions& options) {
  for (const Backend* backend : {&kFusedBackend, &kLayersBackend, &kReferenceBackend}) {
    if (std::unique_ptr<Session> session = backend->open(network, options)) return session;
  }
  fail(ErrorCode::usage, "no backend supports '{}'", options.cpu);
}

Engine::Engine(Network network, const UpscalerOptions& options)
    : network_(std::move(network)),
      cpu_(choose_cpu(options.cpu)),
      options_(options),
      pool_(thread_pool_for(options.executor, options.threads)) {
  check_network(network_, network_.family.empty() ? "the network" : network_.family);
  session_ = open_session(network_, {cpu_, options_.precision, options_.strip_columns, looks(), pool_});
}

FrameStatistics Engine::upscale(const ConstPlane& input, const Plane& output, const FrameOptions& options) {
  if (channels() != 1) {
    fail(ErrorCode::input, "this network has {} input channels, but one plane was given", channels());
  }
  return upscale(&input, &output, options);
}

FrameStatistics Engine::upscale(const ConstPlane* input, const Plane* output, const FrameOptions& options) {
  check_planes(network_, input, output, PreviousFrame(options));
  return session_->upscale(input, output, options);
}

Tensor<float> Engine::upscale(const Tensor<float>& input, const FrameOptions& options) {
  const auto [n, c, height, width] = input.shape();
  if (n != 1 || c != channels() || height < 1 || width < 1) {
    fail(ErrorCode::input, "the network expects an input of shape (1, {}, H, W), got {}", channels(),
         to_string(input.shape()));
  }
  Tensor<float> output({1, c, scale() * height, scale() * width});
  std::vector<ConstPlane> from;
  std::vector<Plane> to;
  for (int64_t i = 0; i < c; ++i) {
    from.push_back(plane_of(input, i));
    to.push_back(plane_of(output, i));
  }
  upscale(from.data(), to.data(), options);
  return output;
}

}  // namespace fsrcnn
