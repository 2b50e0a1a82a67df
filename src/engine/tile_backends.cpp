#include <algorithm>
#include <optional>

#include "engine/backend.hpp"
#include "engine/fast_layers.hpp"
#include "engine/meter.hpp"
#include "engine/reference_network.hpp"
#include "engine/tiles.hpp"

namespace fsrcnn {
namespace {

class TileRows : public RowSession {
 public:
  TileRows(const Network& network, const Looks& looks, RunTile run, int64_t height)
      : network_(network),
        looks_(looks),
        run_(std::move(run)),
        height_(height),
        halo_(std::max<int64_t>(1, network.halo())) {}

  int64_t complete(int64_t rows) const override {
    return rows == height_ ? height_ : std::max<int64_t>(0, rows - halo_);
  }
  int64_t compute(const ConstPlane* input, int64_t input_begin, const Plane* output, int64_t begin,
                  int64_t end) override {
    run_in_tiles(network_, looks_, run_, input, input_begin, height_, begin, end - begin, output);
    return std::max<int64_t>(0, end - halo_);
  }

 private:
  const Network& network_;
  Looks looks_;
  RunTile run_;
  int64_t height_, halo_;
};

class TileSession : public Session {
 public:
  TileSession(const Network& network, const SessionOptions& options, bool fast) : network_(network), options_(options) {
    if (fast) layers_.emplace(network, options.cpu);
  }

  std::string bits() const override {
    // nn's operators add in an order that may be the instruction set's.
    return layers_ ? "layers on " + options_.cpu : "reference";
  }

  FrameStatistics upscale(const ConstPlane* input, const Plane* output, const FrameOptions& options) override {
    Meter meter(options, input->width * input->height);
    FrameStatistics statistics;
    run_in_tiles(network_, options_.looks, run_tile(), input, 0, input->height, 0, input->height, output, 1 << 18,
                 [&](int64_t pixels) {
                   meter.add(pixels);
                   ++statistics.strips;
                   return !meter.stopped();
                 });
    meter.throw_if_stopped();
    return statistics;
  }

  std::unique_ptr<RowSession> open_rows(int64_t /*width*/, int64_t height) override {
    return std::make_unique<TileRows>(network_, options_.looks, run_tile(), height);
  }

 private:
  RunTile run_tile() const {
    if (layers_) return [this](const Tensor<float>& tile) { return layers_->run(tile, *options_.pool); };
    return
        [this](const Tensor<float>& tile) { return reference_network<float>(network_, tile, nullptr, *options_.pool); };
  }

  const Network& network_;
  SessionOptions options_;
  std::optional<FastLayers> layers_;  // none for plain loops
};

}  // namespace

const Backend kLayersBackend = {
    .name = "layers", .open = [](const Network& network, const SessionOptions& options) -> std::unique_ptr<Session> {
      if (options.cpu == "reference") return nullptr;
      return std::make_unique<TileSession>(network, options, true);
    }};

const Backend kReferenceBackend = {
    .name = "reference", .open = [](const Network& network, const SessionOptions& options) -> std::unique_ptr<Session> {
      if (options.cpu != "reference") return nullptr;
      return std::make_unique<TileSession>(network, options, false);
    }};

}  // namespace fsrcnn
