#include "cli/run_summary.hpp"

#include <algorithm>
#include <new>

#include <CLI/CLI.hpp>

namespace fsrcnn::cli {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const Error& error) { return {{"code", static_cast<int>(error.code())}, {"message", error.what()}}; }

const char* name_of(InputSummary::Status status) {
  switch (status) {
    case InputSummary::Status::done: return "done";
    case InputSummary::Status::damaged: return "damaged";
    case InputSummary::Status::skipped: return "skipped";
    case InputSummary::Status::failed: break;
  }
  return "failed";
}

Json to_json(const InputSummary& input) {
  Json json = {{"input", input.input}, {"output", input.output}, {"status", name_of(input.status)}};
  if (input.status == InputSummary::Status::done || input.status == InputSummary::Status::damaged) {
    json["kind"] = input.kind;
    json["input_size"] = {input.width, input.height};
    json["output_size"] = {input.output_width, input.output_height};
    json["frames"] = input.frames;
    if (!input.model.empty()) {
      json["model"] = input.model;
      json["model_scale"] = input.model_scale;
    }
    json["method"] = input.method;
    json["seconds"] = input.seconds;
    for (const auto& [stage, seconds] : input.stages) json["stage_seconds"][stage] = seconds;
    json["strips"] = input.strips;
    json["strips_reused"] = input.strips_reused;
  }
  json["warnings"] = input.warnings;
  if (input.error) json["error"] = to_json(*input.error);
  return json;
}

}  // namespace

int64_t RunSummary::count(InputSummary::Status status) const {
  return std::count_if(inputs.begin(), inputs.end(), [&](const InputSummary& input) { return input.status == status; });
}

int RunSummary::exit_code() const {
  if (signal != 0) return 128 + signal;
  if (error) return static_cast<int>(error->code());
  if (count(InputSummary::Status::damaged) > 0) return 1;
  if (count(InputSummary::Status::failed) == 0) return 0;
  return inputs.size() == 1 ? static_cast<int>(inputs.front().error->code()) : 1;
}

Json to_json(const RunSummary& summary) {
  Json json = {{"version", FSRCNN_VERSION}, {"exit_code", summary.exit_code()}, {"seconds", summary.seconds}};
  if (summary.error) json["error"] = to_json(*summary.error);
  if (!summary.cpu.empty()) {
    json["cpu"] = summary.cpu;
    json["threads"] = summary.threads;
  }
  json["done"] = summary.count(InputSummary::Status::done);
  json["damaged"] = summary.count(InputSummary::Status::damaged);
  json["skipped"] = summary.count(InputSummary::Status::skipped);
  json["failed"] = summary.count(InputSummary::Status::failed);
  json["warnings"] = summary.warnings;
  json["inputs"] = Json::array();
  for (const InputSummary& input : summary.inputs) json["inputs"].push_back(to_json(input));
  return json;
}

std::optional<Error> error_of(const std::function<void()>& work, const std::string& out_of_memory) {
  try {
    work();
    return std::nullopt;
  } catch (const Error& e) {
    return e;
  } catch (const std::bad_alloc&) {
    return Error(ErrorCode::input, out_of_memory);
  } catch (const std::exception& e) {
    return Error(ErrorCode::io, e.what());
  }
}

void finish(const RunSummary& summary, bool json) {
  if (json) fmt::print("{}\n", to_json(summary).dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
  if (summary.exit_code() != 0) throw CLI::RuntimeError(summary.exit_code());
}

}  // namespace fsrcnn::cli
