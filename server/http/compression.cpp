#include "server/http/compression.h"

#include <zlib.h>

#include <algorithm>
#include <memory>

namespace adze::server {
namespace {

constexpr int kGzipFormat = 16;  // added to the window's bits
constexpr std::size_t kStep = std::size_t{64} << 10;
// Tensors of numbers hardly become smaller with more effort.
constexpr int kEffort = 1;

int window_bits(Encoding encoding) { return encoding == Encoding::gzip ? MAX_WBITS + kGzipFormat : MAX_WBITS; }

// zlib counts in 32 bits and leaves its input unchanged.
void feed(z_stream& stream, std::string_view& bytes) {
  const std::size_t n = std::min<std::size_t>(bytes.size(), std::size_t{1} << 30);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(n);
  bytes.remove_prefix(n);
}

// Makes room for one step behind what `out` holds, and points the stream at it.
void make_room(z_stream& stream, std::string& out, std::size_t step) {
  const std::size_t size = out.size();
  out.resize(size + step);
  stream.next_out = reinterpret_cast<Bytef*>(out.data() + size);
  stream.avail_out = static_cast<uInt>(step);
}

}  // namespace

Result<std::string> inflated(std::string_view body, Encoding encoding, const InflateLimits& limits) {
  const std::size_t most = std::min(limits.bytes, std::max(limits.free, body.size() * limits.ratio));
  const auto malformed = [&] { return make_error(Code::bad_input, "the body is not well-formed ", name_of(encoding)); };
  z_stream stream{};
  if (inflateInit2(&stream, window_bits(encoding)) != Z_OK) return make_error(Code::internal, "no memory for zlib");
  const std::unique_ptr<z_stream, int (*)(z_stream*)> owner(&stream, inflateEnd);
  std::string out;
  feed(stream, body);
  while (true) {
    make_room(stream, out, kStep);
    const int status = inflate(&stream, Z_NO_FLUSH);
    out.resize(out.size() - stream.avail_out);
    if (out.size() > most) {
      return make_error(Code::resource_limit, "the body is too large: decoded it has more than ", most, " bytes");
    }
    if (stream.avail_in == 0 && !body.empty()) feed(stream, body);
    if (status == Z_STREAM_END) {
      if (stream.avail_in == 0) return out;
      // Streams of gzip may follow one another.
      if (encoding != Encoding::gzip || inflateReset(&stream) != Z_OK) return malformed();
    } else if (status != Z_OK || (stream.avail_in == 0 && stream.avail_out != 0)) {
      return malformed();  // or it ends too early
    }
  }
}

std::string deflated(std::span<const std::string_view> pieces, Encoding encoding) {
  z_stream stream{};
  std::string out;
  if (deflateInit2(&stream, kEffort, Z_DEFLATED, window_bits(encoding), 8, Z_DEFAULT_STRATEGY) != Z_OK) return out;
  const std::unique_ptr<z_stream, int (*)(z_stream*)> owner(&stream, deflateEnd);
  for (std::size_t i = 0; i <= pieces.size(); i++) {
    const bool last = i == pieces.size();
    std::string_view piece = last ? std::string_view() : pieces[i];
    do {
      feed(stream, piece);
      do {
        make_room(stream, out, kStep);
        deflate(&stream, last ? Z_FINISH : Z_NO_FLUSH);
        out.resize(out.size() - stream.avail_out);
      } while (stream.avail_out == 0);
    } while (!piece.empty());
  }
  return out;
}

}  // namespace adze::server
