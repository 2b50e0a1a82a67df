#include "picture/picture_format.hpp"

#include <gtest/gtest.h>
#include <vips/vips.h>

#include <sstream>

#include "base/atomic_output.hpp"
#include "picture/output_format.hpp"
#include "picture/picture_reader.hpp"
#include "picture/picture_writer.hpp"
#include "picture/png_chunks.hpp"
#include "picture/vips_support.hpp"
#include "support/golden.hpp"
#include "support/temporary_folder.hpp"
#include "support/tiff.hpp"

namespace fsrcnn {
namespace {

using test::error_of;
using test::TemporaryFolder;

std::string name_of(const std::string& bytes, std::string_view suffix = "") {
  std::istringstream file(bytes);
  const PictureFormat* const format = picture_format(file, suffix);
  return format == nullptr ? "none" : std::string(format->name);
}

// Some of these are a matrix, a table or a film to libvips or ImageMagick.
TEST(PictureFormat, TextsAreNoPictures) {
  for (const char* text : {"3 3\n1 2 3\n4 5 6\n7 8 9\n", "1,2\n3,4\n", "3 3 9 0\n1 2 1\n", "P6 is a form of PPM", "P5",
                           "P512 34 56", "P7\nWIDTH 2\n", "BMP files begin with BM", "GIF", "<html><svg></svg></html>",
                           "<xml/>", "x", "#! /bin/sh\n", "\n\n\n"}) {
    EXPECT_EQ(name_of(text), "none") << text;
    EXPECT_EQ(name_of(text, ".tga"), "none") << text;
  }
  EXPECT_EQ(name_of(""), "none");
  EXPECT_EQ(name_of(std::string("\0\0\0\x20"
                                "ftypisom\0\0\2\0isomiso2avc1mp41",
                                32)),
            "none")
      << "a film";
  EXPECT_EQ(name_of(std::string("\0\1\0\0\0\x0C\0\x80\0\3\0\x40", 12)), "none") << "a font";
}

TEST(PictureFormat, TellsThemByTheirContent) {
  for (const auto& [bytes, name] : std::vector<std::pair<std::string, std::string>>{
           {"\xFF\xD8\xFF\xE0", "JPEG"},
           {"P6 2 2 255 ", "PPM"},
           {"P1\n# a comment\n 2\t3\n", "PPM"},
           {"PF\n2 2\n-1.0\n", "PPM"},
           {"#?RADIANCE\n", "Radiance HDR"},
           {std::string("\0\0\0\x1C"
                        "ftypavif\0\0\0\0avifmif1",
                        24),
            "AVIF"},
           {std::string("\0\0\0\x18"
                        "ftypmif1\0\0\0\0heic",
                        20),
            "HEIC"},
           {std::string("\0\0\0\x18"
                        "ftypqt  \0\0\0\0heic",
                        20),
            "HEIC"},
           {std::string("MM\0+\0\x08\0\0", 8), "TIFF"},
           {std::string("BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0", 18), "BMP"},
           {std::string("\0\0\1\0\1\0\x10\x10\0\0\1\0\x20\0\x68\4\0\0\x16\0\0\0", 22), "ICO"},
           {"/* XPM */\nstatic char *a[] = {", "XPM"},
           {"SIMPLE  =                    T", "FITS"},
           {"<?xml version='1.0'?>\n<!-- a -->\n<!DOCTYPE svg [<!ENTITY a 'b'>]>\n<svg width='9'>", "SVG"},
           {"\xEF\xBB\xBF<svg/>", "SVG"},
           {"%PDF-1.4\n", "PDF"},
           {std::string("IIU\0", 4), "camera raw"}}) {
    EXPECT_EQ(name_of(bytes), name) << bytes;
  }
}

// Its first bytes are as good as any.
TEST(PictureFormat, TgaMustBeNamedSo) {
  const std::string tga("\0\0\2\0\0\0\0\0\0\0\0\0\x10\0\x10\0\x18\0", 18);
  EXPECT_EQ(name_of(tga, ".tga"), "TGA");
  EXPECT_EQ(name_of(tga, ".bin"), "none");
  EXPECT_EQ(name_of(std::string("\x0A\5\1\x08", 4), ".pcx"), "PCX");
  EXPECT_EQ(name_of("\x0A\5\1\x08", ".txt"), "none");
}

TEST(PictureFormat, KnowsWhatIsWritten) {
  const TemporaryFolder folder;
  Picture picture;
  for (const std::string& suffix : writable_suffixes()) {
    if (suffix == ".tga") continue;  // is known by its name
    picture.header.colour_planes = suffix == ".pgm" ? 1 : 3;
    picture.planes = test::random_tensor({1, picture.header.planes(), 16, 16}, 1);
    write_picture(picture, folder / ("a" + suffix));
    std::filesystem::rename(folder / ("a" + suffix), folder / "a");
    EXPECT_TRUE(is_picture(folder / "a")) << suffix;
    EXPECT_EQ(PictureReader(folder / "a").header().width, 16) << suffix;
  }
  VipsImage* image = nullptr;
  picture.header.colour_planes = 3;
  picture.planes = test::random_tensor({1, 3, 16, 16}, 1);
  write_picture(picture, folder / "a.png");
  ASSERT_EQ(vips_pngload((folder / "a.png").c_str(), &image, nullptr), 0) << vips_error_buffer();
  for (const char* suffix : {".ppm", ".hdr", ".jp2", ".fits"}) {
    ASSERT_EQ(vips_image_write_to_file(image, (folder / "a").string().append(suffix).c_str(), nullptr), 0)
        << vips_error_buffer();
    EXPECT_EQ(PictureReader(folder / (std::string("a") + suffix)).header().width, 16) << suffix;
  }
  g_object_unref(image);
}

// Decoders open it by another name.
TEST(PictureFormat, MessagesNameTheFile) {
  const TemporaryFolder folder;
  write_file(folder / "a.exr", as_bytes(std::string("\x76\x2F\x31\1\2\0\0\0", 8) + std::string(20, '\0')));
  const std::string error = error_of([&] { PictureReader(folder / "a.exr"); });
  EXPECT_TRUE(error.starts_with("3: '" + (folder / "a.exr").string() + "' is not a readable picture: ")) << error;
  EXPECT_EQ(error.find("/proc/"), std::string::npos) << error;
}

TEST(PictureFormat, MessagesAreThoseOfPeople) {
  EXPECT_EQ(plain_message("source input: bad seek to 7\nheif: Invalid input: No 'meta' box\n"), "No 'meta' box");
  EXPECT_EQ(plain_message("magick2vips: libMagick error: improper image header `a.bmp' @ error/bmp.c/Read/637\n"
                          "magick2vips: unable to read file \"a.bmp\"\n"),
            "improper image header `a.bmp'");
  EXPECT_EQ(plain_message("one\ntwo\none\n"), "one; two");
  EXPECT_EQ(plain_message(""), "its decoder gives no reason");
}

TEST(PictureFormat, WhatIsRefusedSaysWhatToDo) {
  const TemporaryFolder folder;
  const auto read = [&](const std::string& content) {
    write_file(folder / "a", as_bytes(content));
    return error_of([&] { PictureReader(folder / "a"); });
  };
  const std::string name = "3: '" + (folder / "a").string() + "' ";
  EXPECT_EQ(read("<svg/>"), name +
                                "is a drawing (SVG), which has no pixels; render it at the size that you want, e.g. "
                                "with rsvg-convert");
  EXPECT_EQ(read("%PDF-1.4"),
            name + "is a document (PDF); render its pages at the resolution that you want, e.g. with pdftoppm");
  EXPECT_EQ(read("/* ours */\n#define a_width 8\n#define a_height 8\n"),
            name + "is an X bitmap (XBM), which is not supported; convert it to a PNG first, e.g. with ffmpeg");
  EXPECT_NE(read("#define a 8\nint b_width = 3;\n").find("is not a picture"), std::string::npos);
  EXPECT_EQ(read("\x89PNG\r\n\x1a\n" + png_chunk("IHDR", as_bytes(std::string("\0\0\0\0\0\0\0\x8\x8\0\0\0\0", 13)))),
            name + "is damaged: its header says 0x8 pixels");
  EXPECT_EQ(read(std::string("II*\0\5\0\0\0", 8)), name + "is damaged: the TIFF's list of fields cannot be read");
  EXPECT_EQ(read(test::tiff_of({{1, 1, {{259, 50002}}}}, test::kBlackSamples)),
            name +
                "is a TIFF whose compression (JPEG XL, 50002) libtiff does not support on this machine; convert it "
                "first, e.g. with the program that wrote it");
  EXPECT_EQ(read("FUJIFILMCCD-RAW"), name +
                                         "is camera raw, of which only the preview could be read; develop it to a TIFF "
                                         "first, e.g. with darktable");
  EXPECT_EQ(
      read(std::string("\0\0\0\x14"
                       "ftypavis\0\0\0\0",
                       16)),
      name + "is an animated AVIF, which is not supported; convert it to an animated WebP first, e.g. with ffmpeg");
  EXPECT_NE(read(std::string("\0\0\0\x18"
                             "ftypavif\0\0\0\0avifavis",
                             24))
                .find("is an animated AVIF"),
            std::string::npos);
  EXPECT_TRUE(read("3 3\n1 2 3\n")
                  .starts_with(name + "is not a picture, or of an unsupported format; supported: JPEG, "
                                      "PNG, TIFF, WebP, GIF, AVIF, HEIC, "));
}

}  // namespace
}  // namespace fsrcnn
