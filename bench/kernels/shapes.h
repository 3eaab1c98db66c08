// The layers of usual models, each model at its usual input size and batch 1. A layer that a model shares with one
// above it is listed there only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace adze::bench {

struct ConvShape {
  std::string_view model, layer;
  std::int64_t ic, oc, h, w;  // of the source
  std::int64_t kh, stride, groups;
  bool padded = true;  // by kh / 2 on each side
};

struct MatrixShape {
  std::string_view model, layer;
  std::int64_t m, n, k;

  std::string name() const { return std::string(model) + "/" + std::string(layer); }
  std::string sizes() const { return "m " + std::to_string(m) + " n " + std::to_string(n) + " k " + std::to_string(k); }
  double flops() const { return 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k); }
};

inline constexpr ConvShape kConvShapes[] = {
    {"resnet18", "conv1", 3, 64, 224, 224, 7, 2, 1},
    {"resnet18", "layer1.3x3", 64, 64, 56, 56, 3, 1, 1},
    {"resnet18", "layer2.3x3-s2", 64, 128, 56, 56, 3, 2, 1},
    {"resnet18", "layer2.3x3", 128, 128, 28, 28, 3, 1, 1},
    {"resnet18", "layer2.down", 64, 128, 56, 56, 1, 2, 1},
    {"resnet18", "layer3.3x3-s2", 128, 256, 28, 28, 3, 2, 1},
    {"resnet18", "layer3.3x3", 256, 256, 14, 14, 3, 1, 1},
    {"resnet18", "layer3.down", 128, 256, 28, 28, 1, 2, 1},
    {"resnet18", "layer4.3x3-s2", 256, 512, 14, 14, 3, 2, 1},
    {"resnet18", "layer4.3x3", 512, 512, 7, 7, 3, 1, 1},
    {"resnet18", "layer4.down", 256, 512, 14, 14, 1, 2, 1},

    {"resnet50", "layer1.reduce-first", 64, 64, 56, 56, 1, 1, 1},
    {"resnet50", "layer1.reduce", 256, 64, 56, 56, 1, 1, 1},
    {"resnet50", "layer1.expand", 64, 256, 56, 56, 1, 1, 1},
    {"resnet50", "layer2.reduce-first", 256, 128, 56, 56, 1, 1, 1},
    {"resnet50", "layer2.3x3-s2", 128, 128, 56, 56, 3, 2, 1},
    {"resnet50", "layer2.down", 256, 512, 56, 56, 1, 2, 1},
    {"resnet50", "layer2.reduce", 512, 128, 28, 28, 1, 1, 1},
    {"resnet50", "layer2.expand", 128, 512, 28, 28, 1, 1, 1},
    {"resnet50", "layer3.reduce-first", 512, 256, 28, 28, 1, 1, 1},
    {"resnet50", "layer3.3x3-s2", 256, 256, 28, 28, 3, 2, 1},
    {"resnet50", "layer3.down", 512, 1024, 28, 28, 1, 2, 1},
    {"resnet50", "layer3.reduce", 1024, 256, 14, 14, 1, 1, 1},
    {"resnet50", "layer3.expand", 256, 1024, 14, 14, 1, 1, 1},
    {"resnet50", "layer4.reduce-first", 1024, 512, 14, 14, 1, 1, 1},
    {"resnet50", "layer4.3x3-s2", 512, 512, 14, 14, 3, 2, 1},
    {"resnet50", "layer4.down", 1024, 2048, 14, 14, 1, 2, 1},
    {"resnet50", "layer4.reduce", 2048, 512, 7, 7, 1, 1, 1},
    {"resnet50", "layer4.expand", 512, 2048, 7, 7, 1, 1, 1},

    {"mobilenet_v2", "stem", 3, 32, 224, 224, 3, 2, 1},
    {"mobilenet_v2", "block1.depthwise", 32, 32, 112, 112, 3, 1, 32},
    {"mobilenet_v2", "block1.project", 32, 16, 112, 112, 1, 1, 1},
    {"mobilenet_v2", "block2.expand", 16, 96, 112, 112, 1, 1, 1},
    {"mobilenet_v2", "block2.depthwise-s2", 96, 96, 112, 112, 3, 2, 96},
    {"mobilenet_v2", "block2.project", 96, 24, 56, 56, 1, 1, 1},
    {"mobilenet_v2", "block3.expand", 24, 144, 56, 56, 1, 1, 1},
    {"mobilenet_v2", "block3.depthwise", 144, 144, 56, 56, 3, 1, 144},
    {"mobilenet_v2", "block3.project", 144, 24, 56, 56, 1, 1, 1},
    {"mobilenet_v2", "block4.depthwise-s2", 144, 144, 56, 56, 3, 2, 144},
    {"mobilenet_v2", "block4.project", 144, 32, 28, 28, 1, 1, 1},
    {"mobilenet_v2", "block5.expand", 32, 192, 28, 28, 1, 1, 1},
    {"mobilenet_v2", "block5.depthwise", 192, 192, 28, 28, 3, 1, 192},
    {"mobilenet_v2", "block5.project", 192, 32, 28, 28, 1, 1, 1},
    {"mobilenet_v2", "block7.depthwise-s2", 192, 192, 28, 28, 3, 2, 192},
    {"mobilenet_v2", "block7.project", 192, 64, 14, 14, 1, 1, 1},
    {"mobilenet_v2", "block8.expand", 64, 384, 14, 14, 1, 1, 1},
    {"mobilenet_v2", "block8.depthwise", 384, 384, 14, 14, 3, 1, 384},
    {"mobilenet_v2", "block8.project", 384, 64, 14, 14, 1, 1, 1},
    {"mobilenet_v2", "block11.project", 384, 96, 14, 14, 1, 1, 1},
    {"mobilenet_v2", "block12.expand", 96, 576, 14, 14, 1, 1, 1},
    {"mobilenet_v2", "block12.depthwise", 576, 576, 14, 14, 3, 1, 576},
    {"mobilenet_v2", "block12.project", 576, 96, 14, 14, 1, 1, 1},
    {"mobilenet_v2", "block14.depthwise-s2", 576, 576, 14, 14, 3, 2, 576},
    {"mobilenet_v2", "block14.project", 576, 160, 7, 7, 1, 1, 1},
    {"mobilenet_v2", "block15.expand", 160, 960, 7, 7, 1, 1, 1},
    {"mobilenet_v2", "block15.depthwise", 960, 960, 7, 7, 3, 1, 960},
    {"mobilenet_v2", "block15.project", 960, 160, 7, 7, 1, 1, 1},
    {"mobilenet_v2", "block17.project", 960, 320, 7, 7, 1, 1, 1},
    {"mobilenet_v2", "head", 320, 1280, 7, 7, 1, 1, 1},

    {"efficientnet_b0", "stage3.depthwise5-s2", 144, 144, 56, 56, 5, 2, 144},
    {"efficientnet_b0", "stage3.project-first", 144, 40, 28, 28, 1, 1, 1},
    {"efficientnet_b0", "stage3.expand", 40, 240, 28, 28, 1, 1, 1},
    {"efficientnet_b0", "stage3.depthwise5", 240, 240, 28, 28, 5, 1, 240},
    {"efficientnet_b0", "stage3.project", 240, 40, 28, 28, 1, 1, 1},
    {"efficientnet_b0", "stage4.depthwise-s2", 240, 240, 28, 28, 3, 2, 240},
    {"efficientnet_b0", "stage4.project-first", 240, 80, 14, 14, 1, 1, 1},
    {"efficientnet_b0", "stage4.expand", 80, 480, 14, 14, 1, 1, 1},
    {"efficientnet_b0", "stage4.depthwise", 480, 480, 14, 14, 3, 1, 480},
    {"efficientnet_b0", "stage4.project", 480, 80, 14, 14, 1, 1, 1},
    {"efficientnet_b0", "stage5.depthwise5-first", 480, 480, 14, 14, 5, 1, 480},
    {"efficientnet_b0", "stage5.project-first", 480, 112, 14, 14, 1, 1, 1},
    {"efficientnet_b0", "stage5.expand", 112, 672, 14, 14, 1, 1, 1},
    {"efficientnet_b0", "stage5.depthwise5", 672, 672, 14, 14, 5, 1, 672},
    {"efficientnet_b0", "stage5.project", 672, 112, 14, 14, 1, 1, 1},
    {"efficientnet_b0", "stage6.depthwise5-s2", 672, 672, 14, 14, 5, 2, 672},
    {"efficientnet_b0", "stage6.project-first", 672, 192, 7, 7, 1, 1, 1},
    {"efficientnet_b0", "stage6.expand", 192, 1152, 7, 7, 1, 1, 1},
    {"efficientnet_b0", "stage6.depthwise5", 1152, 1152, 7, 7, 5, 1, 1152},
    {"efficientnet_b0", "stage6.squeeze", 1152, 48, 1, 1, 1, 1, 1},
    {"efficientnet_b0", "stage6.excite", 48, 1152, 1, 1, 1, 1, 1},
    {"efficientnet_b0", "stage6.project", 1152, 192, 7, 7, 1, 1, 1},
    {"efficientnet_b0", "stage7.depthwise", 1152, 1152, 7, 7, 3, 1, 1152},
    {"efficientnet_b0", "stage7.project", 1152, 320, 7, 7, 1, 1, 1},

    {"squeezenet1_1", "conv1", 3, 64, 224, 224, 3, 2, 1, false},
    {"squeezenet1_1", "fire2.squeeze", 64, 16, 55, 55, 1, 1, 1},
    {"squeezenet1_1", "fire2.expand1x1", 16, 64, 55, 55, 1, 1, 1},
    {"squeezenet1_1", "fire2.expand3x3", 16, 64, 55, 55, 3, 1, 1},
    {"squeezenet1_1", "fire3.squeeze", 128, 16, 55, 55, 1, 1, 1},
    {"squeezenet1_1", "fire4.squeeze", 128, 32, 27, 27, 1, 1, 1},
    {"squeezenet1_1", "fire4.expand1x1", 32, 128, 27, 27, 1, 1, 1},
    {"squeezenet1_1", "fire4.expand3x3", 32, 128, 27, 27, 3, 1, 1},
    {"squeezenet1_1", "fire5.squeeze", 256, 32, 27, 27, 1, 1, 1},
    {"squeezenet1_1", "fire6.squeeze", 256, 48, 13, 13, 1, 1, 1},
    {"squeezenet1_1", "fire6.expand1x1", 48, 192, 13, 13, 1, 1, 1},
    {"squeezenet1_1", "fire6.expand3x3", 48, 192, 13, 13, 3, 1, 1},
    {"squeezenet1_1", "fire7.squeeze", 384, 48, 13, 13, 1, 1, 1},
    {"squeezenet1_1", "fire8.squeeze", 384, 64, 13, 13, 1, 1, 1},
    {"squeezenet1_1", "fire8.expand1x1", 64, 256, 13, 13, 1, 1, 1},
    {"squeezenet1_1", "fire8.expand3x3", 64, 256, 13, 13, 3, 1, 1},
    {"squeezenet1_1", "fire9.squeeze", 512, 64, 13, 13, 1, 1, 1},
    {"squeezenet1_1", "classifier", 512, 1000, 13, 13, 1, 1, 1},

    {"unet256", "down1.first", 3, 16, 256, 256, 3, 1, 1},
    {"unet256", "down1.second", 16, 16, 256, 256, 3, 1, 1},
    {"unet256", "down2.first", 16, 32, 128, 128, 3, 1, 1},
    {"unet256", "down2.second", 32, 32, 128, 128, 3, 1, 1},
    {"unet256", "bottom.first", 32, 64, 64, 64, 3, 1, 1},
    {"unet256", "bottom.second", 64, 64, 64, 64, 3, 1, 1},
    {"unet256", "up2.first", 64, 32, 128, 128, 3, 1, 1},
    {"unet256", "up1.first", 32, 16, 256, 256, 3, 1, 1},
    {"unet256", "mask", 16, 1, 256, 256, 1, 1, 1},

    {"mobilenetv4_conv_small", "stage1.3x3-s2", 32, 32, 112, 112, 3, 2, 1},
    {"mobilenetv4_conv_small", "stage1.1x1", 32, 32, 56, 56, 1, 1, 1},
    {"mobilenetv4_conv_small", "stage2.3x3-s2", 32, 96, 56, 56, 3, 2, 1},
    {"mobilenetv4_conv_small", "stage2.1x1", 96, 64, 28, 28, 1, 1, 1},
    {"mobilenetv4_conv_small", "stage3.depthwise5-first", 64, 64, 28, 28, 5, 1, 64},
    {"mobilenetv4_conv_small", "stage3.expand-first", 64, 192, 28, 28, 1, 1, 1},
    {"mobilenetv4_conv_small", "stage3.depthwise5-s2", 192, 192, 28, 28, 5, 2, 192},
    {"mobilenetv4_conv_small", "stage3.project", 192, 96, 14, 14, 1, 1, 1},
    {"mobilenetv4_conv_small", "stage3.expand", 96, 192, 14, 14, 1, 1, 1},
    {"mobilenetv4_conv_small", "stage3.depthwise", 192, 192, 14, 14, 3, 1, 192},
    {"mobilenetv4_conv_small", "stage3.depthwise-last", 96, 96, 14, 14, 3, 1, 96},
    {"mobilenetv4_conv_small", "stage3.expand-last", 96, 384, 14, 14, 1, 1, 1},
    {"mobilenetv4_conv_small", "stage4.project-first", 576, 128, 7, 7, 1, 1, 1},
    {"mobilenetv4_conv_small", "stage4.depthwise5-first", 128, 128, 7, 7, 5, 1, 128},
    {"mobilenetv4_conv_small", "stage4.expand", 128, 512, 7, 7, 1, 1, 1},
    {"mobilenetv4_conv_small", "stage4.depthwise5", 512, 512, 7, 7, 5, 1, 512},
    {"mobilenetv4_conv_small", "stage4.project", 512, 128, 7, 7, 1, 1, 1},
    {"mobilenetv4_conv_small", "stage4.expand3", 128, 384, 7, 7, 1, 1, 1},
    {"mobilenetv4_conv_small", "stage4.depthwise5-3", 384, 384, 7, 7, 5, 1, 384},
    {"mobilenetv4_conv_small", "stage4.project3", 384, 128, 7, 7, 1, 1, 1},
    {"mobilenetv4_conv_small", "stage4.depthwise", 512, 512, 7, 7, 3, 1, 512},
    {"mobilenetv4_conv_small", "stage5.1x1", 128, 960, 7, 7, 1, 1, 1},
    {"mobilenetv4_conv_small", "head", 960, 1280, 1, 1, 1, 1, 1},
};

// The classifiers of the models above, MLPs for one row and for a batch, and squares as a yardstick.
inline constexpr MatrixShape kMatrixShapes[] = {
    {"square", "512", 512, 512, 512},           {"square", "1024", 1024, 1024, 1024},
    {"square", "2048", 2048, 2048, 2048},       {"resnet18", "fc", 1, 1000, 512},
    {"resnet50", "fc", 1, 1000, 2048},          {"mobilenet_v2", "fc", 1, 1000, 1280},
    {"mlp_mnist", "fc1", 1, 512, 784},          {"mlp_mnist", "fc2", 1, 256, 512},
    {"mlp_mnist", "fc1-batch64", 64, 512, 784}, {"mlp_score", "fc1", 1, 256, 64},
    {"mlp_score", "fc2", 1, 256, 256},          {"mlp_score", "fc2-batch64", 64, 256, 256},
    {"mlp_wide", "fc1", 1, 4096, 1024},         {"mlp_wide", "fc2", 1, 4096, 4096},
    {"mlp_wide", "fc3", 1, 1024, 4096},         {"mlp_wide", "fc3-batch64", 64, 1024, 4096},
};

// With fewer columns than a vector has lanes.
inline constexpr MatrixShape kNarrowShapes[] = {
    {"lenet_mnist", "fc", 1, 10, 784},        {"lenet_mnist", "fc-batch64", 64, 10, 784},
    {"mlp_mnist", "fc3", 1, 10, 256},         {"mlp_score", "fc3", 1, 1, 256},
    {"mlp_score", "fc3-batch64", 64, 1, 256}, {"unet256", "mask", 256 * 256, 1, 16},
};

}  // namespace adze::bench
