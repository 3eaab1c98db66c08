#include "graph/scalar_map.h"

namespace adze {
namespace {

struct Args {
  ScalarFn f;
  double a, b;
  DType type;
  std::int64_t elements;
};

void run(const Args& args, const Call& call) {
  const Range range = call.slice.of(args.elements, 16);
  dispatch(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* src = call.in<T>();
    T* dst = call.out<T>();
    for (std::int64_t i = range.begin; i < range.end; i++) {
      const auto x = static_cast<double>(static_cast<Compute<T>>(src[i]));
      dst[i] = static_cast<T>(static_cast<Compute<T>>(args.f(x, args.a, args.b)));
    }
  });
}

}  // namespace

Step scalar_map(const PrepareContext& context, ScalarFn f, double a, double b) {
  const Args args{f, a, b, context.in(0).type, context.in(0).elements()};
  Step step = make_step<run>(args, "scalar_map");
  step.max_parts = elementwise_parts(args.elements);
  step.in_place = 1;
  return step;
}

}  // namespace adze
