#pragma once

#include <stdexcept>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace fsrcnn {

/// What kind of thing went wrong; the values are the program's exit codes.
enum class ErrorCode {
  usage = 2,      ///< an argument or option that makes no sense
  input = 3,      ///< a picture, tensor or operator parameter that cannot be used
  model = 4,      ///< weights that cannot be used
  io = 5,         ///< reading or writing failed
  cancelled = 6,  ///< somebody asked to stop
};

/// The one exception type of the library. The message says what was found, what was expected, where, and what to do.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

/// Throws Error with a message formatted by fmt.
template <class... Args>
[[noreturn]] void fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(code, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace fsrcnn
