// Portable bit, grey and pixel maps (PBM, PGM, PPM), as text and binary.
#include "graph/image/image.h"

namespace adze {
namespace {

Error damaged() { return make_error(Code::bad_input, "the file is damaged"); }

class Reader {
 public:
  explicit Reader(ImageBytes file) : file_(file) {}

  std::size_t left() const { return file_.size() - at_; }
  std::uint32_t byte() { return file_[at_++]; }  // REQUIRES: left() > 0
  // A decimal number after blanks and comments; -1 where there is none, or none that a size could be.
  std::int64_t number() {
    skip_blanks();
    std::int64_t value = -1;
    for (; left() && file_[at_] >= '0' && file_[at_] <= '9'; at_++) {
      value = std::max<std::int64_t>(value, 0) * 10 + (file_[at_] - '0');
      if (value > std::int64_t{1} << 32) return -1;
    }
    return value;
  }
  // One digit of a text bit map: they may follow each other without blanks.
  std::int64_t bit() {
    skip_blanks();
    return left() && (file_[at_] == '0' || file_[at_] == '1') ? file_[at_++] - '0' : -1;
  }

 private:
  static bool is_blank(std::uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
  void skip_blanks() {
    while (left() && (is_blank(file_[at_]) || file_[at_] == '#')) {
      const bool comment = file_[at_] == '#';
      at_++;
      while (comment && left() && file_[at_] != '\n') at_++;
    }
  }

  ImageBytes file_;
  std::size_t at_ = 2;
};

// Samples one after the other.
struct Samples {
  Reader& in;
  int kind;  // the digit behind the P
  std::int64_t most;
  std::uint32_t bits = 0;  // of a binary bit map: what is left of the byte

  bool text() const { return kind <= 3; }
  bool bitmap() const { return kind == 1 || kind == 4; }
  // 0 to 255; -1 where the file ends or the sample is too large.
  int next(std::int64_t x) {
    std::int64_t value = -1;
    if (kind == 4) {
      if (x % 8 == 0) {
        if (!in.left()) return -1;
        bits = in.byte();
      }
      value = bits >> (7 - x % 8) & 1;
    } else if (kind == 1) {
      value = in.bit();
    } else if (text()) {
      value = in.number();
    } else if (in.left() >= (most > 255 ? 2u : 1u)) {
      value = in.byte();
      if (most > 255) value = value << 8 | in.byte();
    }
    if (value < 0 || value > most) return -1;
    if (bitmap()) return value ? 0 : 255;  // a set bit is black
    return static_cast<int>((value * 255 + most / 2) / most);
  }
};

}  // namespace

Result<Raster> decode_pnm(ImageBytes file) {
  Reader in(file);
  const int kind = file[1] - '0';
  const bool bitmap = kind == 1 || kind == 4;
  const std::int64_t width = in.number(), height = in.number(), most = bitmap ? 1 : in.number();
  if (width < 0 || height < 0 || most < 1 || most > 65535) return damaged();
  if (kind > 3) {
    if (!in.left()) return damaged();
    in.byte();  // exactly one blank
  }
  // No sample takes less than a bit: a short file can't ask for much.
  const std::uint64_t bits = std::uint64_t{in.left()} * 8;
  if (width && static_cast<std::uint64_t>(height) > bits / static_cast<std::uint64_t>(width)) return damaged();
  ADZE_TRY(Raster raster, blank_raster(static_cast<std::uint64_t>(width), static_cast<std::uint64_t>(height)));
  Samples samples{in, kind, most};
  for (std::int64_t y = 0; y < height; y++) {
    std::uint8_t* dst = raster.row(y);
    for (std::int64_t x = 0; x < width; x++, dst += 3) {
      int value = 0;
      for (int i = 0; i < 3; i++) {
        if (i == 0 || kind % 3 == 0) value = samples.next(x);
        if (value < 0) return damaged();
        dst[i] = static_cast<std::uint8_t>(value);
      }
    }
  }
  return raster;
}

}  // namespace adze
