#pragma once

#include <cstdint>
#include <string>

// EXIF blocks, made number by number, and XMP.

namespace fsrcnn::test {

/// Numbers of one byte order.
class NumberText {
 public:
  explicit NumberText(bool big_endian) : big_endian_(big_endian) {}

  NumberText& add(uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) text_ += static_cast<char>(value >> (8 * (big_endian_ ? bytes - 1 - i : i)));
    return *this;
  }
  NumberText& field(uint16_t tag, uint16_t type, uint32_t count, uint32_t value) {
    add(tag, 2).add(type, 2).add(count, 4);
    if (type != kShort || count > 1) return add(value, 4);
    return add(value, 2).add(0, 2);
  }
  NumberText& text(const std::string& text) {
    text_ += text;
    return *this;
  }
  const std::string& text() const { return text_; }

  static constexpr uint16_t kAscii = 2, kShort = 3, kLong = 4, kUndefined = 7;

 private:
  bool big_endian_;
  std::string text_;
};

inline const std::string kMakersNote("A note that nobody knows, \0\1\2 of Canon", 38), kThumbnail =
                                                                                           "\xFF\xD8 small \xFF\xD9";

/// A camera's: orientation 6, 64x40 pixels, a maker's note, and a thumbnail at the end.
inline std::string exif_block(bool big_endian = true) {
  constexpr uint32_t kFirst = 8, kFirstFields = 4, kExif = kFirst + 2 + 12 * kFirstFields + 4, kExifFields = 3,
                     kSecond = kExif + 2 + 12 * kExifFields + 4, kSecondFields = 2,
                     kTexts = kSecond + 2 + 12 * kSecondFields + 4, kMake = kTexts, kArtist = kMake + 6,
                     kNote = kArtist + 10;
  const auto note_bytes = static_cast<uint32_t>(kMakersNote.size()), thumbnail = kNote + note_bytes,
             thumbnail_bytes = static_cast<uint32_t>(kThumbnail.size());
  NumberText block(big_endian);
  block.text(big_endian ? "MM" : "II").add(42, 2).add(kFirst, 4);
  block.add(kFirstFields, 2)
      .field(0x010F, NumberText::kAscii, 6, kMake)
      .field(0x0112, NumberText::kShort, 1, 6)
      .field(0x013B, NumberText::kAscii, 10, kArtist)
      .field(0x8769, NumberText::kLong, 1, kExif)
      .add(kSecond, 4);
  block.add(kExifFields, 2)
      .field(0x927C, NumberText::kUndefined, note_bytes, kNote)
      .field(0xA002, NumberText::kShort, 1, 64)
      .field(0xA003, NumberText::kLong, 1, 40)
      .add(0, 4);
  block.add(kSecondFields, 2)
      .field(0x0201, NumberText::kLong, 1, thumbnail)
      .field(0x0202, NumberText::kLong, 1, thumbnail_bytes)
      .add(0, 4);
  block.text(std::string("Canon\0A. Person\0", 16)).text(kMakersNote);
  return block.text(kThumbnail).text();
}

/// XMP whose description begins with attributes.
inline std::string xmp_packet(const std::string& attributes_and_content = ">") {
  return "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\" x:xmptk=\"Somebody\"><rdf:RDF "
         "xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\"><rdf:Description rdf:about=\"\" "
         "xmlns:tiff=\"http://ns.adobe.com/tiff/1.0/\" xmlns:exif=\"http://ns.adobe.com/exif/1.0/\" "
         "xmlns:GPano=\"http://ns.google.com/photos/1.0/panorama/\" "
         "xmlns:hdrgm=\"http://ns.adobe.com/hdr-gain-map/1.0/\" xmlns:a=\"http://a/\" " +
         attributes_and_content + "</rdf:Description></rdf:RDF></x:xmpmeta>";
}

}  // namespace fsrcnn::test
