// WebP through libwebp; animations are refused.
#include <webp/decode.h>

#include "graph/image/image.h"

namespace adze {

Result<Raster> decode_webp(ImageBytes file) {
  WebPBitstreamFeatures features;
  if (WebPGetFeatures(file.data(), file.size(), &features) != VP8_STATUS_OK) {
    return make_error(Code::bad_input, "the file is damaged");
  }
  if (features.has_animation) return make_error(Code::unsupported, "animations are not supported");
  ADZE_TRY(Raster raster,
           blank_raster(static_cast<std::uint64_t>(features.width), static_cast<std::uint64_t>(features.height)));
  const int pitch = features.width * 3;
  if (!WebPDecodeRGBInto(file.data(), file.size(), raster.rgb.data(), raster.rgb.size(), pitch)) {
    return make_error(Code::bad_input, "the file is damaged");
  }
  return raster;
}

}  // namespace adze
