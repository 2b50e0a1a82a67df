#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "porting/diagnose.hpp"

namespace fsrcnn {

/// For the terminal: the verdict, the table of layers, where and how the first that differs does with a map of it, what
/// was tried, and files that were not used.
std::string diagnosis_text(const Diagnosis& diagnosis);

nlohmann::ordered_json diagnosis_json(const Diagnosis& diagnosis);

/// A page for the browser that needs nothing from elsewhere: the same, with heat maps of the errors. `title` says what
/// was diagnosed.
std::string diagnosis_html(const Diagnosis& diagnosis, const std::string& title);

}  // namespace fsrcnn
