#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/counted.hpp"
#include "base/error.hpp"
#include "base/fma_peak.hpp"
#include "base/thread_pool.hpp"
#include "cli/commands.hpp"
#include "cli/engine_option.hpp"
#include "cli/model_option.hpp"
#include "cli/size_option.hpp"
#include "network/describe.hpp"
#include "network/fsrcnn.hpp"

namespace fsrcnn::cli {
namespace {

struct BenchOptions {
  std::string size = "1920x1080";
  int frames = 15;
  ModelOption model;
  EngineOption engine;
  bool json = false;
};

struct Measurement {
  std::vector<double> frame_s, peak_gflops;
  StageTimes stages;  // seconds of all threads
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double seconds_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// Peak of all threads together, measured in about a hundredth of a second.
double measure_peak(ThreadPool& pool, const std::string& cpu) {
  constexpr int64_t kRounds = 3'000'000;
  std::vector<double> operations(static_cast<size_t>(pool.threads()));
  const double seconds = seconds_of([&] {
    pool.run(pool.threads(), [&](int64_t i) { operations[static_cast<size_t>(i)] = run_multiply_adds(cpu, kRounds); });
  });
  double sum = 0;
  for (const double o : operations) sum += o;
  return 1e-9 * sum / seconds;
}

// Random samples, so that no runs of equal pixels make it easy.
std::vector<uint8_t> noise(int64_t count) {
  std::vector<uint8_t> samples(static_cast<size_t>(count));
  uint32_t state = 1;
  for (uint8_t& sample : samples) {
    state = state * 1664525 + 1013904223;
    sample = static_cast<uint8_t>(state >> 24);
  }
  return samples;
}

Measurement measure(Engine& engine, int64_t width, int64_t height, int frames) {
  const int64_t scale = engine.scale();
  const int64_t channels = engine.channels(), pixels = width * height;
  const std::vector<uint8_t> input = noise(channels * pixels);
  std::vector<uint8_t> output(static_cast<size_t>(channels * scale * scale * pixels));
  std::vector<ConstPlane> from;
  std::vector<Plane> to;
  for (int64_t c = 0; c < channels; ++c) {
    from.push_back(
        {reinterpret_cast<const std::byte*>(input.data() + c * pixels), width, height, width, SampleType::u8, 255});
    to.push_back({reinterpret_cast<std::byte*>(output.data() + c * scale * scale * pixels), scale * width,
                  scale * height, scale * width, SampleType::u8, 255});
  }
  ThreadPool pool(engine.threads());
  Measurement m;
  engine.upscale(from.data(), to.data());  // warm-up: memory is allocated, and the CPU clock is up
  for (int i = 0; i < frames; ++i) {
    m.peak_gflops.push_back(measure_peak(pool, engine.cpu()));
    m.frame_s.push_back(seconds_of([&] { engine.upscale(from.data(), to.data()); }));
  }
  m.stages = engine.upscale(from.data(), to.data(), {.measure_stages = true}).seconds;
  return m;
}

double peak_rss_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

/// An FSRCNN's have the paper's names.
std::vector<std::pair<const char*, double>> named_stages(const Network& network, const StageTimes& times) {
  if (fsrcnn_shape(network)) {
    return {{"input", times.input},
            {"feature extraction, shrinking", times.feature_extraction},
            {"mapping", times.mapping},
            {"expanding", times.expanding},
            {"last layer", times.deconvolution},
            {"output", times.output}};
  }
  return {{"input", times.input},
          {"layers that read the input", times.feature_extraction},
          {"layers between", times.mapping + times.expanding},
          {"last layer", times.deconvolution},
          {"output", times.output}};
}

void run(const BenchOptions& options) {
  const auto [width, height] = parse_size(options.size);
  Engine engine(options.model.load_with_scale(), options.engine.options);
  const Measurement m = measure(engine, width, height, options.frames);
  const int64_t multiply_adds = engine.network().multiply_adds();
  const double operations = 2.0 * static_cast<double>(multiply_adds * width * height);
  const double frame_s = median(m.frame_s), best_s = *std::min_element(m.frame_s.begin(), m.frame_s.end());
  const double worst_s = *std::max_element(m.frame_s.begin(), m.frame_s.end());
  const double gflops = 1e-9 * operations / frame_s, peak = median(m.peak_gflops);

  const std::vector<std::pair<const char*, double>> stages = named_stages(engine.network(), m.stages);
  double sum = 0;
  for (const auto& [name, seconds] : stages) sum += seconds;

  if (options.json) {
    nlohmann::ordered_json json = {{"size", options.size},
                                   {"network", family_of(engine.network())},
                                   {"channels", engine.channels()},
                                   {"scale", engine.scale()},
                                   {"cpu", engine.cpu()},
                                   {"threads", engine.threads()},
                                   {"frames", options.frames},
                                   {"frame_ms_median", 1e3 * frame_s},
                                   {"frame_ms_best", 1e3 * best_s},
                                   {"frame_ms_worst", 1e3 * worst_s},
                                   {"frames_per_second", 1 / frame_s},
                                   {"effective_gflops", gflops},
                                   {"peak_gflops", peak},
                                   {"fraction_of_peak", gflops / peak},
                                   {"peak_rss_mb", peak_rss_mb()}};
    for (const auto& [name, seconds] : stages) json["stage_shares"][name] = sum > 0 ? seconds / sum : 0;
    fmt::print("{}\n", json.dump(2));
    return;
  }
  const auto [smallest, largest] = std::minmax_element(m.peak_gflops.begin(), m.peak_gflops.end());
  fmt::print("{} -> {}x{}, {}, {}, {}, {}, 8 bits, {}\n\n", options.size, engine.scale() * width,
             engine.scale() * height, family_of(engine.network()), channels_text(engine.network()), engine.cpu(),
             counted(engine.threads(), "thread"), counted(options.frames, "frame"));
  fmt::print("frame             {:8.1f} ms median, {:.1f} best, {:.1f} worst: {:.2f} frames/s\n", 1e3 * frame_s,
             1e3 * best_s, 1e3 * worst_s, 1 / frame_s);
  fmt::print("effective         {:8.1f} GFLOP/s, counted as in the direct algorithm\n", gflops);
  fmt::print("peak              {:8.1f} GFLOP/s median, measured between frames, {:.1f} to {:.1f}\n", peak, *smallest,
             *largest);
  fmt::print("fraction of peak  {:8.3f}{}\n", gflops / peak,
             gflops > peak ? ", above 1: transforms need fewer multiplications than the direct algorithm" : "");
  fmt::print("peak memory       {:8.1f} MB\n\n", peak_rss_mb());
  for (const auto& [name, seconds] : stages) {
    if (sum > 0) fmt::print("{:<30} {:5.1f}%\n", name, 100 * seconds / sum);
  }
}

}  // namespace

void add_bench(CLI::App& app) {
  CLI::App* command = app.add_subcommand("bench", "Measure the speed of the network and of the machine in one run");
  const auto options = std::make_shared<BenchOptions>();
  command->add_option("--size", options->size, "Size of the LR frame")->capture_default_str()->type_name("WxH");
  command->add_option("--frames", options->frames, "Number of frames to measure")
      ->capture_default_str()
      ->check(CLI::Range(1, 10000).description(""))
      ->type_name("N");
  options->model.add_model_to(*command);
  options->model.add_scale_to(*command);
  options->engine.add_to(*command);
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options] { run(*options); });
}

}  // namespace fsrcnn::cli
