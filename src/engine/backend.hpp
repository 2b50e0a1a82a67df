#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/plane.hpp"
#include "base/thread_pool.hpp"
#include "engine/looks.hpp"
#include "network/network.hpp"

// Backends: ways of computing a network. Each opens a network as a session, and is independent of the others.

namespace fsrcnn {

/// Incremented whenever any bit of an output changes, so that segments of a film from different versions are not mixed.
inline constexpr int kEngineRevision = 1;

/// A picture processed row by row, from top to bottom.
class RowSession {
 public:
  virtual ~RowSession() = default;

  /// Input rows whose output can be computed from the first `rows` rows of the input.
  virtual int64_t complete(int64_t rows) const = 0;
  /// Computes the output of the next rows, begin ... end - 1, into planes that start with it. The planes of
  /// `input` begin with row input_begin and have all rows that complete() counted. Returns the first row that is still
  /// needed after that.
  virtual int64_t compute(const ConstPlane* input, int64_t input_begin, const Plane* output, int64_t begin,
                          int64_t end) = 0;
};

/// A network ready to run. Several threads may call at once.
class Session {
 public:
  virtual ~Session() = default;

  /// The class of bits: sessions of one network and precision with the same class give the same output to the bit, on
  /// every machine.
  virtual std::string bits() const = 0;
  /// A plane each way for each of the network's channels, which fit each other and the options. Throws
  /// Error(cancelled).
  virtual FrameStatistics upscale(const ConstPlane* input, const Plane* output, const FrameOptions& options) = 0;
  /// Of a picture of this size. The session must outlive it. Throws Error(limit) if the rows do not fit into memory.
  virtual std::unique_ptr<RowSession> open_rows(int64_t width, int64_t height) = 0;
};

struct SessionOptions {
  std::string cpu;  ///< one of cpu_names()
  Precision precision = Precision::fast;
  int strip_columns = 0;  ///< 0: chosen
  Looks looks = {};
  std::shared_ptr<ThreadPool> pool;
};

struct Backend {
  const char* name;
  /// The network must pass check_network, and outlive the session. Null if this backend cannot run it on this cpu.
  std::unique_ptr<Session> (*open)(const Network& network, const SessionOptions& options);
};

/// All layers over strips of columns, for networks that can be lowered.
extern const Backend kFusedBackend;
/// Layer by layer with nn's fast operators, over tiles.
extern const Backend kLayersBackend;
/// Plain loops, over tiles: "reference".
extern const Backend kReferenceBackend;

/// By the first backend that can.
std::unique_ptr<Session> open_session(const Network& network, const SessionOptions& options);

/// Input and output of the frame before, a plane for each channel; empty if there is none.
struct PreviousFrame {
  std::span<const ConstPlane> input, output;

  explicit PreviousFrame(const FrameOptions& options)
      : input(planes_of(options.previous_input, options.previous_inputs)),
        output(planes_of(options.previous_output, options.previous_outputs)) {}

 private:
  static std::span<const ConstPlane> planes_of(const std::optional<ConstPlane>& one, std::span<const ConstPlane> all) {
    return one ? std::span(&*one, 1) : all;
  }
};

}  // namespace fsrcnn
