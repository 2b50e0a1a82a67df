#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "video/film_job.hpp"

namespace fsrcnn {

/// All that decides what the bits of a job's segments are, but for their ranges. Throws Error(io).
nlohmann::json describe_job(const FilmJob& job, const Film& film, const Engine& engine);

/// What tells a film from others wherever its file lies: a hash of its size and its first bytes. Throws Error(io).
std::string film_identity(const std::string& path);

/// What the segments of a job tell of themselves, but for their ranges: the film's identity, and that of the model and
/// the options. `job` is what describe_job() gives.
StreamTags job_tags(const nlohmann::json& job);

}  // namespace fsrcnn
