#pragma once

// What all C functions share. No exception leaves them: each catches all and keeps code and message.

#include <cstddef>
#include <exception>
#include <new>
#include <string>

#include "api/check.hpp"
#include "base/error.hpp"
#include "fsrcnn/fsrcnn.h"

struct fsrcnn_executor {
  fsrcnn::Executor executor;
};

namespace fsrcnn::c_api {

struct LastError {
  int code = FSRCNN_OK;
  std::string text;
  const char* shown = "";  // text, or what needs no memory

  int set(int new_code, const char* message) noexcept {
    code = new_code;
    try {
      text = message;
      shown = text.c_str();
    } catch (...) {
      shown = "out of memory";
    }
    return code;
  }
};

/// This thread's.
LastError& last_error();

/// Runs work(), and returns the code of what it throws, which is kept.
template <class Work>
int code_of(const Work& work) noexcept {
  try {
    work();
    return FSRCNN_OK;
  } catch (const Error& e) {
    return last_error().set(static_cast<int>(e.code()), e.what());
  } catch (const std::bad_alloc&) {
    return last_error().set(FSRCNN_ERROR_OTHER, "out of memory");
  } catch (const std::exception& e) {
    return last_error().set(FSRCNN_ERROR_OTHER, e.what());
  } catch (...) {
    return last_error().set(FSRCNN_ERROR_OTHER, "a callback threw an exception");
  }
}

/// What work() returns, or `failed` if it throws.
template <class Result, class Work>
Result result_of(Result failed, const Work& work) noexcept {
  Result result = failed;
  code_of([&] { result = work(); });
  return result;
}

/// Of memory that need not be aligned yet: no reference to it is made.
void require(const void* pointer, const char* name);

template <class T>
T& required(T* pointer, const char* name) {
  require(pointer, name);
  return *pointer;
}

/// Something that a program compiled for a later version asks for, or memory that was never set.
template <class T, size_t kCount>
void check_reserved(const T (&reserved)[kCount], const char* name) {
  for (size_t i = 0; i < kCount; ++i) {
    if (reserved[i] == 0) continue;
    fail(ErrorCode::usage, "reserved[{}] of '{}' is not 0: zero the whole struct first, or use a newer library", i,
         name);
  }
}

/// Checked. options may be null.
UpscalerOptions options_of(const fsrcnn_options* options);

}  // namespace fsrcnn::c_api
