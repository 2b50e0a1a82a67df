#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace fsrcnn::cli {

/// A line on stderr that shows how much is done and how long the rest will take. Shows nothing if stderr is not a
/// terminal, or if told to be quiet.
class ProgressBar {
 public:
  explicit ProgressBar(bool quiet);
  ~ProgressBar() { finish(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// share in [0, 1]
  void update(double share);
  /// Of a film, `before` of whose frames were done when the bar began; frames: 0 if nobody knows how many there are.
  void update(int64_t frames_done, int64_t frames, int64_t before);

  /// Removes the line.
  void finish() noexcept;

 private:
  void show(const std::string& line) const;
  double elapsed_s() const;

  bool visible_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// "[#####.....]  50%  0:12 left", as wide as given or less.
std::string format_progress(double share, double elapsed_s, int columns);
/// "[##...]  50%  120/240 frames  6.5/s  0:18 left", or "120 frames  6.5/s".
std::string format_frames(int64_t frames_done, int64_t frames, int64_t before, double elapsed_s, int columns);

}  // namespace fsrcnn::cli
