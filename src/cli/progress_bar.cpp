#include "cli/progress_bar.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <fmt/format.h>

namespace fsrcnn::cli {
namespace {

constexpr const char* kEraseLine = "\r\x1b[K";

}  // namespace

std::string format_progress(double share, double elapsed_s, int columns) {
  share = std::clamp(share, 0.0, 1.0);
  std::string numbers = fmt::format("{:3.0f}%", std::floor(100 * share));
  if (share > 0 && share < 1) {
    const auto left_s = static_cast<int64_t>(std::ceil(elapsed_s / share * (1 - share)));
    numbers += fmt::format("  {}:{:02} left", left_s / 60, left_s % 60);
  }
  const int cells = std::clamp(columns - 24, 0, 40);
  if (cells < 5) return numbers;
  const int filled = static_cast<int>(std::floor(share * cells));
  return fmt::format("[{}{}] {}", std::string(filled, '#'), std::string(cells - filled, '.'), numbers);
}

ProgressBar::ProgressBar(bool quiet) : visible_(!quiet && isatty(STDERR_FILENO) != 0) {}

void ProgressBar::update(double share) {
  if (!visible_) return;
  winsize size{};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  const double elapsed_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  fmt::print(stderr, "{}{}", kEraseLine, format_progress(share, elapsed_s, known ? size.ws_col : 80));
  std::fflush(stderr);
}

void ProgressBar::finish() noexcept {
  if (visible_) std::fputs(kEraseLine, stderr);
  visible_ = false;
}

}  // namespace fsrcnn::cli
