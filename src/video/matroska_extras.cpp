#include "video/matroska_extras.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace fsrcnn {
namespace {

// Matroska's numbers of elements (RFC 9559).
enum Id : uint64_t {
  kEbml = 0x1A45DFA3,
  kSegment = 0x18538067,
  kTracks = 0x1654AE6B,
  kTrackEntry = 0xAE,
  kVideo = 0xE0,
  kCropBottom = 0x54AA,
  kCropTop = 0x54BB,
  kCropLeft = 0x54CC,
  kCropRight = 0x54DD,
  kLanguageIetf = 0x22B59D,
  kChapters = 0x1043A770,
  kEdition = 0x45B9,
  kEditionOrdered = 0x45DD,
  kChapterAtom = 0xB6,
  kChapterDisplay = 0x80,
  kChapterLanguage = 0x437C,
  kChapterLanguageIetf = 0x437D,
};

struct Element {
  uint64_t id;
  std::streamoff begin, end;  // of its content
};

// A number whose first byte's leading zeros are its length in bytes; with_marker: the bit behind them belongs to it.
std::optional<uint64_t> read_number(std::istream& file, bool with_marker, int most_bytes) {
  const int first = file.get();
  if (first <= 0) return std::nullopt;
  int bytes = 1;
  while ((first << (bytes - 1) & 0x80) == 0) ++bytes;
  if (bytes > most_bytes) return std::nullopt;
  auto value = static_cast<uint64_t>(with_marker ? first : first & (0xFF >> bytes));
  bool unknown = !with_marker && value == (0xFFU >> bytes);
  for (int i = 1; i < bytes; ++i) {
    const int next = file.get();
    if (next < 0) return std::nullopt;
    unknown = unknown && next == 0xFF;
    value = value << 8 | static_cast<uint64_t>(next);
  }
  return unknown ? UINT64_MAX : value;
}

// Calls visit for each element of [begin, end).
void walk(std::istream& file, std::streamoff begin, std::streamoff end,
          const std::function<void(const Element&)>& visit) {
  while (begin < end) {
    file.clear();
    file.seekg(begin);
    const auto id = read_number(file, true, 4), size = read_number(file, false, 8);
    if (!id || !size) return;
    const std::streamoff content = file.tellg();
    if (content < 0 || content > end) return;
    // Of a size that is not known, as in streams, or more than there is: to the end.
    const auto left = static_cast<uint64_t>(end - content);
    const Element element{*id, content, *size > left ? end : content + static_cast<std::streamoff>(*size)};
    visit(element);
    begin = element.end;
  }
}

std::string text_of(std::istream& file, const Element& element) {
  constexpr std::streamoff kMost = 64;
  std::string text(static_cast<size_t>(std::min(kMost, element.end - element.begin)), '\0');
  file.clear();
  file.seekg(element.begin);
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  while (!text.empty() && text.back() == '\0') text.pop_back();
  return text;
}

uint64_t integer_of(std::istream& file, const Element& element) {
  uint64_t value = 0;
  for (const char c : text_of(file, {element.id, element.begin, std::min(element.end, element.begin + 8)})) {
    value = value << 8 | static_cast<uint8_t>(c);
  }
  return value;
}

struct Extras {
  std::set<std::string> languages, chapter_languages;
  std::array<uint64_t, 4> crop{};  // left, right, top, bottom
  int64_t nested = 0, displays = 0, editions = 0;
  bool is_ordered = false;
};

void look_at_track(std::istream& file, const Element& track, Extras& extras) {
  walk(file, track.begin, track.end, [&](const Element& e) {
    if (e.id == kLanguageIetf) {
      const std::string language = text_of(file, e);
      if (language.find('-') != std::string::npos) extras.languages.insert(language);
    }
    if (e.id != kVideo) return;
    walk(file, e.begin, e.end, [&](const Element& crop) {
      static constexpr uint64_t kSides[] = {kCropLeft, kCropRight, kCropTop, kCropBottom};
      const auto* side = std::find(std::begin(kSides), std::end(kSides), crop.id);
      if (side != std::end(kSides)) extras.crop[static_cast<size_t>(side - kSides)] = integer_of(file, crop);
    });
  });
}

void look_at_display(std::istream& file, const Element& display, Extras& extras) {
  walk(file, display.begin, display.end, [&](const Element& e) {
    if (e.id != kChapterLanguage && e.id != kChapterLanguageIetf) return;
    const std::string language = text_of(file, e);
    if (language != "und" && language != "eng" && language != "en") extras.chapter_languages.insert(language);
  });
}

void look_at_atom(std::istream& file, const Element& atom, Extras& extras, int depth) {
  constexpr int kDeepest = 16;
  int displays = 0;
  walk(file, atom.begin, atom.end, [&](const Element& e) {
    displays += e.id == kChapterDisplay;
    if (e.id == kChapterDisplay) look_at_display(file, e, extras);
    if (e.id != kChapterAtom || depth == kDeepest) return;
    ++extras.nested;
    look_at_atom(file, e, extras, depth + 1);
  });
  extras.displays += std::max(0, displays - 1);
}

void look_at_edition(std::istream& file, const Element& edition, Extras& extras) {
  ++extras.editions;
  walk(file, edition.begin, edition.end, [&](const Element& e) {
    if (e.id == kEditionOrdered && integer_of(file, e) != 0) extras.is_ordered = true;
    if (e.id == kChapterAtom) look_at_atom(file, e, extras, 0);
  });
}

}  // namespace

std::vector<std::string> matroska_extras(std::istream& file) {
  file.seekg(0, std::ios::end);
  const std::streamoff end = file.tellg();
  Extras extras;
  bool is_matroska = false;
  walk(file, 0, end, [&](const Element& top) {
    is_matroska = is_matroska || (top.id == kEbml && top.begin < 16);
    if (top.id != kSegment || !is_matroska) return;
    walk(file, top.begin, top.end, [&](const Element& e) {
      const auto each = [&](Id id, auto look) {
        walk(file, e.begin, e.end, [&](const Element& child) {
          if (child.id == id) look(file, child, extras);
        });
      };
      if (e.id == kTracks) each(kTrackEntry, look_at_track);
      if (e.id == kChapters) each(kEdition, look_at_edition);
    });
  });
  std::vector<std::string> messages;
  const auto& [left, right, top, bottom] = extras.crop;
  if (left + right + top + bottom > 0) {
    messages.push_back(fmt::format(
        "the film states that {}, {}, {} and {} pixels at its left, right, top and bottom are not to be shown "
        "(PixelCrop); the output shows them",
        left, right, top, bottom));
  }
  if (!extras.languages.empty()) {
    messages.push_back(fmt::format("of the languages {} the regions are dropped", fmt::join(extras.languages, ", ")));
  }
  if (extras.is_ordered) {
    messages.emplace_back(
        "the film's chapters are ordered, to be played in an order of their own; the output's are not");
  }
  if (extras.editions > 1) {
    messages.push_back(fmt::format("the film has {} editions of chapters; the output has one", extras.editions));
  }
  if (extras.nested > 0) messages.push_back(fmt::format("{} chapters within chapters are dropped", extras.nested));
  if (extras.displays > 0) {
    messages.push_back(fmt::format("{} names of chapters in other languages are dropped", extras.displays));
  }
  if (!extras.chapter_languages.empty()) {
    messages.push_back(
        fmt::format("the languages of the chapters' names are dropped: {}", fmt::join(extras.chapter_languages, ", ")));
  }
  return messages;
}

}  // namespace fsrcnn
