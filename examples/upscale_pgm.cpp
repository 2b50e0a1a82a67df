// upscale_pgm IN.pgm OUT.pgm: upscales an 8-bit gray picture with the C++ interface.
// Gray values are treated as limited-range luma, as in a frame of a film.

#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include <fsrcnn/fsrcnn.hpp>

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: upscale_pgm IN.pgm OUT.pgm\n";
    return 2;
  }
  std::ifstream in(argv[1], std::ios::binary);
  std::string magic;
  int64_t width = 0, height = 0, most = 0;
  in >> magic >> width >> height >> most;
  in.get();
  if (!in || magic != "P5" || most != 255 || width < 1 || height < 1 || width > 65536 || height > 65536) {
    std::cerr << "upscale_pgm: " << argv[1] << " is no PGM file of 8 bits (P5, 255)\n";
    return 3;
  }
  std::vector<std::byte> luma(static_cast<size_t>(width * height));
  if (!in.read(reinterpret_cast<char*>(luma.data()), static_cast<std::streamsize>(luma.size()))) {
    std::cerr << "upscale_pgm: " << argv[1] << " ends too early\n";
    return 3;
  }
  try {
    fsrcnn::Upscaler upscaler("fsrcnn-x2");
    const int64_t scale = upscaler.scale();
    std::vector<std::byte> output(luma.size() * static_cast<size_t>(scale * scale));
    upscaler.upscale({luma.data(), width, height, width, fsrcnn::SampleType::u8, 255},
                     {output.data(), scale * width, scale * height, scale * width, fsrcnn::SampleType::u8, 255});
    std::ofstream out(argv[2], std::ios::binary);
    out << "P5\n" << scale * width << " " << scale * height << "\n255\n";
    out.write(reinterpret_cast<const char*>(output.data()), static_cast<std::streamsize>(output.size()));
    out.close();
    if (!out) {
      std::cerr << "upscale_pgm: " << argv[2] << " cannot be written\n";
      return 5;
    }
    std::cout << argv[2] << ": " << scale * width << "x" << scale * height << " on " << upscaler.cpu() << "\n";
  } catch (const fsrcnn::Error& e) {
    std::cerr << "upscale_pgm: " << e.what() << "\n";
    return static_cast<int>(e.code());
  }
}
