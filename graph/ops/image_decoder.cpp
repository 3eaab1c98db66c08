// ImageDecoder: the bytes of an encoded image to [height, width, channels] (graph/image/). Where ONNX lets a decoder
// answer a damaged file with an empty matrix, the run fails and says why.
#include "graph/image/image.h"
#include "graph/op.h"

namespace adze {
namespace {

enum class Pixels { rgb, bgr, grey };

std::optional<Pixels> pixels_of(const Node& node) {
  const std::string format = node.attributes.string("pixel_format", "RGB");
  if (format == "RGB") return Pixels::rgb;
  if (format == "BGR") return Pixels::bgr;
  if (format == "Grayscale") return Pixels::grey;
  return std::nullopt;
}

Result<void> check(const Node& node) {
  if (pixels_of(node)) return {};
  return make_error(Code::invalid_model, "attribute \"pixel_format\" is \"", node.attributes.string("pixel_format", ""),
                    '"');
}

// The luma of ITU-R BT.601 with weights of 16 bits, rounded.
std::uint8_t luma(const std::uint8_t* rgb) {
  return static_cast<std::uint8_t>((rgb[0] * 19595u + rgb[1] * 38470u + rgb[2] * 7471u + 0x8000u) >> 16);
}

Result<std::vector<Tensor>> run(const WholeCall& call) {
  const Tensor& encoded = call.in(0);
  if (encoded.shape().rank() != 1) return make_error(Code::bad_input, "the encoded image is no vector");
  ADZE_TRY(const Raster raster, decode_image(encoded.as<std::uint8_t>()));
  const Pixels pixels = *pixels_of(call.node);
  auto made = Tensor::allocate(DType::u8, {raster.height, raster.width, pixels == Pixels::grey ? 1 : 3});
  auto* dst = made.as<std::uint8_t>();
  const std::uint8_t* const end = raster.rgb.data() + raster.rgb.size();
  for (const std::uint8_t* src = raster.rgb.data(); src != end; src += 3) {
    if (pixels == Pixels::grey) {
      *dst++ = luma(src);
      continue;
    }
    const bool reversed = pixels == Pixels::bgr;
    for (int i = 0; i < 3; i++) *dst++ = src[reversed ? 2 - i : i];
  }
  return std::vector<Tensor>{made.tensor};
}

constexpr int kVersions[] = {20};
constexpr AttrSpec kAttributes[] = {{"pixel_format", AttrKind::string}};
constexpr TypeMask kTypes[] = {types(DType::u8)};

constexpr OpDef kOps[] = {{.name = "ImageDecoder",
                           .versions = kVersions,
                           .attributes = kAttributes,
                           .input_types = kTypes,
                           .check = check,
                           .run_whole = run}};

}  // namespace
extern const std::span<const OpDef> ops_image_decoder;
constinit const std::span<const OpDef> ops_image_decoder{kOps};

}  // namespace adze
