#include "porting/diagnosis_report.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

namespace fsrcnn {
namespace {

std::string figure(double value) {
  return std::isnan(value) ? "not finite" : std::isinf(value) ? "other shape" : fmt::format("{:.3g}", value);
}

/// Of the last column of the table.
std::string remark(const LayerFinding& l) {
  std::vector<std::string> parts = {l.agrees ? "agrees" : l.cause.empty() ? "DIFFERS" : "DIFFERS: " + l.cause};
  if (!l.form.empty()) parts.push_back(l.form);
  if (!l.matched.empty()) parts.push_back(fmt::format("{} known {}", l.file, l.matched));
  return fmt::format("{}", fmt::join(parts, "; "));
}

/// Whether the map shows more than that all of it differs.
bool tells_places(const Evidence& e) {
  if (e.map.empty() || e.shape.h * e.shape.w < 16) return false;
  return std::any_of(e.map.begin(), e.map.end(),
                     [](const std::string& line) { return line.find_first_of(".12345") != std::string::npos; });
}

void put_evidence(const Diagnosis& d, std::string& text) {
  auto to = std::back_inserter(text);
  bool is_first = true;
  for (const LayerFinding& l : d.layers) {
    if (!l.evidence || l.agrees) continue;
    const Evidence& e = *l.evidence;
    if (!is_first) {
      fmt::format_to(to, "Then {} {}: {}.\n", l.layer, l.step, e.sentence);
      continue;
    }
    is_first = false;
    fmt::format_to(to, "\nWhere {} {} differs:\n", l.layer, l.step);
    for (const std::string& sentence : e.sentences) fmt::format_to(to, "  {}\n", sentence);
    if (!tells_places(e)) continue;
    fmt::format_to(to,
                   "  The largest error of all channels (9: {:.2g}, 8: half of it, ..., 1: 1/256 or less, .: none):\n",
                   e.largest);
    for (const std::string& line : e.map) fmt::format_to(to, "    {}\n", line);
  }
}

void put_unused(const Diagnosis& d, std::string& text) {
  auto to = std::back_inserter(text);
  std::map<std::string, std::vector<std::string>> by_reason;
  for (const UnusedFile& u : d.unused) by_reason[u.reason].push_back(u.file);
  if (!by_reason.empty()) fmt::format_to(to, "\nNot used:\n");
  for (auto& [reason, files] : by_reason) {
    const size_t more = files.size() > 4 ? files.size() - 3 : 0;
    if (more > 0) files.resize(3);
    fmt::format_to(to, "  {}{}: {}\n", fmt::join(files, ", "), more > 0 ? fmt::format(" and {} more", more) : "",
                   reason);
  }
}

nlohmann::ordered_json finite(double v) { return std::isfinite(v) ? nlohmann::ordered_json(v) : nullptr; }

nlohmann::ordered_json to_json(const Evidence& e) {
  nlohmann::ordered_json json = {{"place", e.place},
                                 {"sentence", e.sentence},
                                 {"sentences", e.sentences},
                                 {"tolerance", e.tolerance},
                                 {"differing", e.differing},
                                 {"largest", finite(e.largest)},
                                 {"rms", finite(e.rms)},
                                 {"mean", finite(e.mean)},
                                 {"worst", e.worst},
                                 {"channels", e.channels.indices},
                                 {"rows", e.rows.indices},
                                 {"columns", e.columns.indices},
                                 {"border_depth", e.is_border ? nlohmann::ordered_json(e.border_depth) : nullptr},
                                 {"by_phase", e.by_phase},
                                 {"map", e.map},
                                 {"facts", nlohmann::ordered_json::array()}};
  for (const Fact& f : e.facts) {
    json["facts"].push_back({{"id", f.id}, {"sentence", f.sentence}, {"numbers", f.numbers}, {"indices", f.indices}});
  }
  return json;
}

}  // namespace

std::string diagnosis_text(const Diagnosis& d) {
  std::string text = d.verdict + "\n" + (d.partly.empty() ? "" : d.partly + "\n") + "\n";
  auto to = std::back_inserter(text);
  fmt::format_to(to, "{:<20} {:<14} {:<22} {:>12} {:>10}\n", "layer", "step", "shape of the dump", "difference",
                 "allowed");
  for (const LayerFinding& l : d.layers) {
    fmt::format_to(to, "{:<20} {:<14} {:<22} {:>12} {:>10}  {}\n", l.layer, l.step, to_string(l.shape),
                   figure(l.difference), figure(l.tolerance), remark(l));
  }
  put_evidence(d, text);
  if (!d.files.empty()) {
    fmt::format_to(to, "\nNot the ones that made the output:\n");
    for (size_t i = 0; i < d.files.size() && i < 12; ++i) fmt::format_to(to, "  {}\n", d.files[i]);
    if (d.files.size() > 12) fmt::format_to(to, "  and {} more (--json has all)\n", d.files.size() - 12);
  }
  if (!d.same_result.empty()) {
    fmt::format_to(to, "\nThe same result would come of:\n");
    for (const std::string& s : d.same_result) fmt::format_to(to, "  {}\n", s);
  }
  if (!d.hypotheses.empty()) {
    fmt::format_to(to, "\nWhat was tried at the first layer that differs, the best first:\n");
    fmt::format_to(to, "  {:>10} {:>10}  {}\n", "largest", "RMS left", "mistake");
    for (size_t i = 0; i < d.hypotheses.size() && i < 8; ++i) {
      const Hypothesis& h = d.hypotheses[i];
      fmt::format_to(to, "  {:>10.2e} {:>10.2e}  {}{}: {}\n", h.largest, h.rms, h.explains ? "* " : "  ", h.layer,
                     fmt::join(h.sentences, ", and "));
    }
  }
  for (const std::string& note : d.notes) fmt::format_to(to, "\n{}\n", note);
  put_unused(d, text);
  return text;
}

nlohmann::ordered_json diagnosis_json(const Diagnosis& d) {
  nlohmann::ordered_json json = {{"right", d.right},
                                 {"verdict", d.verdict},
                                 {"partly", d.partly},
                                 {"layer", d.layer},
                                 {"mistakes", d.mistakes},
                                 {"files", d.files},
                                 {"same_result", d.same_result},
                                 {"notes", d.notes},
                                 {"layers", nlohmann::ordered_json::array()},
                                 {"unused", nlohmann::ordered_json::array()},
                                 {"hypotheses", nlohmann::ordered_json::array()}};
  for (const LayerFinding& l : d.layers) {
    json["layers"].push_back({{"layer", l.layer},
                              {"step", l.step},
                              {"file", l.file},
                              {"matched", l.matched},
                              {"form", l.form},
                              {"shape", {l.shape.n, l.shape.c, l.shape.h, l.shape.w}},
                              {"difference", finite(l.difference)},
                              {"tolerance", l.tolerance},
                              {"agrees", l.agrees},
                              {"cause", l.cause},
                              {"evidence", l.evidence ? to_json(*l.evidence) : nullptr}});
  }
  for (const UnusedFile& u : d.unused) json["unused"].push_back({{"file", u.file}, {"reason", u.reason}});
  for (const Hypothesis& h : d.hypotheses) {
    json["hypotheses"].push_back({{"layer", h.layer},
                                  {"mistakes", h.ids},
                                  {"sentences", h.sentences},
                                  {"largest", h.largest},
                                  {"rms", h.rms},
                                  {"explains", h.explains}});
  }
  return json;
}

}  // namespace fsrcnn
