#include "api/c_call.hpp"

namespace fsrcnn::c_api {

LastError& last_error() {
  thread_local LastError error;
  return error;
}

void require(const void* pointer, const char* name) {
  if (pointer == nullptr) fail(ErrorCode::usage, "argument '{}' is null", name);
}

UpscalerOptions options_of(const fsrcnn_options* options) {
  if (options == nullptr) return {};
  check_reserved(options->reserved, "options");
  UpscalerOptions result{.threads = options->threads,
                         .cpu = options->cpu == nullptr ? "" : options->cpu,
                         .precision = options->exact != 0 ? Precision::exact : Precision::fast,
                         .scale = options->scale};
  result.extend_edges = options->extend_edges != 0;
  result.guard = options->guard;
  if (options->executor != nullptr) result.executor = options->executor->executor;
  check_options(result);
  return result;
}

}  // namespace fsrcnn::c_api
