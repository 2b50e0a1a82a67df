#pragma once

#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/engine_option.hpp"
#include "cli/film_option.hpp"
#include "cli/jobs.hpp"
#include "cli/model_option.hpp"
#include "picture/upscale_picture.hpp"

namespace fsrcnn::cli {

struct UpscaleOptions {
  JobOptions jobs;
  bool skip_existing = false, overwrite = false;
  std::string size;
  PictureOptions picture;
  ModelOption model;
  EngineOption engine;
  FilmOption film;
  bool quiet = false, json = false;
  std::vector<std::string> picture_only;  ///< given options that films do not have, e.g. --quality

  bool prints() const { return !quiet && !json; }
};

/// Adds all of `upscale`.
void add_upscale_options(CLI::App& command, const std::shared_ptr<UpscaleOptions>& options);

/// Those given that films do not have.
std::vector<std::string> picture_only_options(const CLI::App& command);

/// "--quality is for pictures; films have --crf"
std::string about(const std::vector<std::string>& picture_only);

}  // namespace fsrcnn::cli
