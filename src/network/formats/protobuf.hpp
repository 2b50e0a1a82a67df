#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <protozero/pbf_reader.hpp>

namespace fsrcnn {

// Shared by the readers of protocol buffers.

constexpr auto kProtobufBytes = protozero::pbf_wire_type::length_delimited;
constexpr size_t kMostGraphNodes = 10000;

/// A field's number with the type that it must have, as pbf_reader::tag_and_type() gives them.
constexpr uint32_t tag(uint32_t field, protozero::pbf_wire_type type) { return protozero::tag_and_type(field, type); }

inline std::string read_string(protozero::pbf_reader& reader) {
  const protozero::data_view view = reader.get_view();
  return {view.data(), view.size()};
}

}  // namespace fsrcnn
