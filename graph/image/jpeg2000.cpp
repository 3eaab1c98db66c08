// JPEG 2000 through OpenJPEG, as a JP2 file or a bare codestream: grey or RGB at full resolution.
#include <openjpeg.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "graph/image/image.h"

namespace adze {
namespace {

struct Source {
  ImageBytes bytes;
  std::size_t at = 0;
};

constexpr auto kEnd = static_cast<OPJ_SIZE_T>(-1);

OPJ_SIZE_T read(void* dst, OPJ_SIZE_T n, void* user) {
  auto& source = *static_cast<Source*>(user);
  const std::size_t count = std::min<std::size_t>(n, source.bytes.size() - source.at);
  if (count == 0) return kEnd;
  std::memcpy(dst, source.bytes.data() + source.at, count);
  source.at += count;
  return count;
}
OPJ_BOOL seek(OPJ_OFF_T to, void* user) {
  auto& source = *static_cast<Source*>(user);
  if (to < 0 || static_cast<std::uint64_t>(to) > source.bytes.size()) return OPJ_FALSE;
  source.at = static_cast<std::size_t>(to);
  return OPJ_TRUE;
}
OPJ_OFF_T skip(OPJ_OFF_T by, void* user) {
  auto& source = *static_cast<Source*>(user);
  return seek(static_cast<OPJ_OFF_T>(source.at) + by, user) ? by : -1;
}

using Stream = std::unique_ptr<opj_stream_t, decltype(&opj_stream_destroy)>;
using Codec = std::unique_ptr<opj_codec_t, decltype(&opj_destroy_codec)>;
using Picture = std::unique_ptr<opj_image_t, decltype(&opj_image_destroy)>;

Stream open(Source& source) {
  Stream stream(opj_stream_default_create(OPJ_TRUE), &opj_stream_destroy);
  if (!stream) return stream;
  opj_stream_set_user_data(stream.get(), &source, nullptr);
  opj_stream_set_user_data_length(stream.get(), source.bytes.size());
  opj_stream_set_read_function(stream.get(), read);
  opj_stream_set_skip_function(stream.get(), skip);
  opj_stream_set_seek_function(stream.get(), seek);
  return stream;
}

Result<void> check(const opj_image_t& picture) {
  const std::uint32_t n = picture.numcomps;
  bool fits = n >= 1 && n <= 4 && picture.color_space != OPJ_CLRSPC_SYCC && picture.color_space != OPJ_CLRSPC_EYCC &&
              picture.color_space != OPJ_CLRSPC_CMYK;
  for (std::uint32_t i = 0; i < n && fits; i++) {
    const opj_image_comp_t& c = picture.comps[i];
    fits =
        c.dx == 1 && c.dy == 1 && c.w == picture.comps[0].w && c.h == picture.comps[0].h && c.prec >= 1 && c.prec <= 31;
  }
  if (fits) return {};
  return make_error(Code::unsupported, "only grey and RGB at full resolution are supported");
}

std::uint8_t sample(const opj_image_comp_t& c, std::size_t i) {
  const std::int64_t value = std::int64_t{c.data[i]} + (c.sgnd ? std::int64_t{1} << (c.prec - 1) : 0);
  const std::int64_t most = (std::int64_t{1} << c.prec) - 1, clamped = std::clamp<std::int64_t>(value, 0, most);
  return static_cast<std::uint8_t>(c.prec > 8 ? clamped >> (c.prec - 8) : (clamped * 255 + most / 2) / most);
}

}  // namespace

Result<Raster> decode_jpeg2000(ImageBytes file) {
  const auto damaged = [] { return make_error(Code::bad_input, "the file is damaged"); };
  Source source{file};
  const Stream stream = open(source);
  const Codec codec(opj_create_decompress(file[0] == 0xff ? OPJ_CODEC_J2K : OPJ_CODEC_JP2), &opj_destroy_codec);
  opj_dparameters_t parameters;
  opj_set_default_decoder_parameters(&parameters);
  opj_image_t* header = nullptr;
  if (!stream || !codec || !opj_setup_decoder(codec.get(), &parameters) ||
      !opj_read_header(stream.get(), codec.get(), &header)) {
    return damaged();
  }
  const Picture picture(header, &opj_image_destroy);
  ADZE_CHECK(check(*header));
  ADZE_TRY(Raster raster, blank_raster(header->x1 - header->x0, header->y1 - header->y0));
  if (!opj_decode(codec.get(), stream.get(), header) || !opj_end_decompress(codec.get(), stream.get()))
    return damaged();
  // A palette is applied only now: there may be more components than the header said.
  ADZE_CHECK(check(*header));
  const bool grey = header->numcomps < 3;
  for (std::uint32_t i = 0; i < 3; i++) {
    const opj_image_comp_t& c = header->comps[grey ? 0 : i];
    if (!c.data || c.w != raster.width || c.h != raster.height) return damaged();
    for (std::size_t at = 0; at < raster.rgb.size() / 3; at++) raster.rgb[at * 3 + i] = sample(c, at);
  }
  return raster;
}

}  // namespace adze
