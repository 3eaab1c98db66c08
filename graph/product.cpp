#include "graph/product.h"

#include <algorithm>
#include <bit>

#include "graph/dot_step.h"

namespace adze {
namespace {

struct Args {
  Product product;
  const TileSet* tiles;
  const float* weights;
  const float* bias;
  ActivationArgs activation;
  int residual;
  GemmOrder order;
};

void run(const Args& args, const Call& call) {
  const Product& p = args.product;
  const MatrixRows rows{call.in(), call.pitch(0, p.k)};
  GemmArgs gemm{};
  gemm.m = p.m;
  gemm.n = p.n;
  gemm.taps = 1;
  gemm.kc = p.k;
  gemm.rows = matrix_rows;
  gemm.context = &rows;
  gemm.b = args.weights;
  gemm.c = call.out();
  gemm.ldc = call.out_pitch(p.n);
  gemm.bias = args.bias;
  gemm.residual = args.residual >= 0 ? call.in(args.residual) : nullptr;
  gemm.ldr = args.residual >= 0 ? call.pitch(args.residual, p.n) : 0;
  gemm.activation = args.activation;
  gemm.tiles = args.tiles;
  gemm.order = args.order;
  gemm_f32(gemm, call.slice, call.cancel);
}

// alpha b'.
class Weights {
 public:
  Weights(const PrepareContext& context, const Product& p) : p_(p), b_(context.in(1).value->as<float>().data()) {}
  float operator()(std::int64_t k, std::int64_t n) const {
    return p_.alpha * b_[p_.trans_b ? n * p_.k + k : k * p_.n + n];
  }

 private:
  const Product& p_;
  const float* b_;
};

std::string format_of(std::string_view kind, const Product& p) {
  return concat(kind, p.trans_b, '/', std::bit_cast<std::uint32_t>(p.alpha), '/');
}

// beta times the row, for whole blocks of columns.
Result<const float*> packed_row(const PrepareContext& context, const Product& p, int bias) {
  const auto size = static_cast<std::size_t>(blocks_of(p.n) * kBlock) * sizeof(float);
  const auto format = concat("row/", p.n, '/', std::bit_cast<std::uint32_t>(p.beta));
  ADZE_TRY(const std::byte* row, context.pack(bias, format, size, [&](std::byte* out) {
    const auto c = context.in(bias).value->as<float>();
    auto* dst = reinterpret_cast<float*>(out);
    for (std::int64_t n = 0; n < p.n; n++) dst[n] = p.beta * c[c.size() == 1 ? 0 : static_cast<std::size_t>(n)];
  }));
  return reinterpret_cast<const float*>(row);
}

Result<Step> tiled_product(PrepareContext& context, const Product& p, const float* bias) {
  const auto& tiles = gemm_tile_f32.best(context.isa);
  Args args{p, tiles.fn, nullptr, bias, context.node.activation, context.node.residual, context.order};
  const auto bytes = static_cast<std::size_t>(packed_b_size(p.k, p.n)) * sizeof(float);
  const auto format = format_of("gemm/", p) + std::string(isa_name(tiles.isa));
  ADZE_TRY(const std::byte* packed, context.pack(1, format, bytes, [&](std::byte* out) {
    pack_b(p.k, p.n, tiles.fn->max_blocks, reinterpret_cast<float*>(out), Weights(context, p));
  }));
  args.weights = reinterpret_cast<const float*>(packed);
  Step step = make_step<run>(args, concat("gemm_f32/", isa_name(tiles.isa)));
  step.honours = {true, true};
  return step;
}

Result<Step> dot_product(PrepareContext& context, const Product& p, const float* bias) {
  DotArgs dots{};
  dots.n = p.n;
  dots.k = p.k;
  dots.bias = bias;
  return dot_step(context, p.m, dots, format_of("dot/", p),
                  [&](float* w) { pack_dots(p.k, p.n, w, Weights(context, p)); });
}

}  // namespace

Result<Step> packed_product(PrepareContext& context, const Product& p, int bias) {
  const std::uint32_t unread = 0b10 | (bias >= 0 ? 1u << bias : 0u);
  const float* row = nullptr;
  if (bias >= 0) {
    ADZE_TRY(row, packed_row(context, p, bias));
  }
  ADZE_TRY(Step step, dots_pay(p.k, p.n) ? dot_product(context, p, row) : tiled_product(context, p, row));
  step.unread = unread;
  step.pitched = 1u | (context.node.residual >= 0 ? 1u << context.node.residual : 0u);
  step.pitched_output = true;
  step.flops = p.flops();
  step.max_parts = static_cast<int>(std::clamp<std::int64_t>(p.m * p.n / 64, 1, 256));
  return step;
}

Result<Product> product_of(const Node& node, const Shape& a, const Shape& b) {
  if (a.rank() != 2 || b.rank() != 2) {
    return make_error(Code::invalid_model, "operands ", to_string(a), " and ", to_string(b), " are not matrices");
  }
  Product p;
  p.trans_a = node.attributes.integer("transA", 0) != 0;
  p.trans_b = node.attributes.integer("transB", 0) != 0;
  p.alpha = node.attributes.real("alpha", 1);
  p.beta = node.attributes.real("beta", 1);
  p.m = a[p.trans_a ? 1 : 0];
  p.k = a[p.trans_a ? 0 : 1];
  p.n = b[p.trans_b ? 0 : 1];
  if (b[p.trans_b ? 1 : 0] != p.k) {
    return make_error(Code::invalid_model, "operands ", to_string(a), " and ", to_string(b), " don't fit");
  }
  return p;
}

Result<Addend> addend_of(const Shape& c, const Product& p) {
  const Shape y{p.m, p.n};
  const auto whole = broadcast(c, y);
  if (!whole || *whole != y) {
    return make_error(Code::invalid_model, "C of shape ", to_string(c), " doesn't broadcast to ", to_string(y));
  }
  Addend addend;
  if (c.rank() >= 1 && c.back() != 1) addend.column = 1;
  if (c.rank() == 2 && c[0] != 1) addend.row = c[1];
  return addend;
}

}  // namespace adze
