// A kernel's variants, best first, the portable one last. Dispatch, tests, benchmarks and `adze hw` all read the same
// table, so a variant that is listed is tested and timed, and one that isn't does not exist.
#pragma once

#include <span>
#include <string_view>

#include "kernels/core/isa.h"

namespace adze {

template <class Fn>
struct Variant {
  Isa isa;
  Fn fn;  // a function pointer, or a small struct of them with their tile sizes
};

template <class Fn>
struct KernelTable {
  std::string_view name;  // family_what_type, like "softmax_rows_f32"
  std::span<const Variant<Fn>> variants;

  // The first variant that `cap` allows. Asked once, while a plan is prepared; the run loop holds the plain pointer.
  constexpr const Variant<Fn>& best(Isa cap = active_isa()) const {
    for (const auto& variant : variants) {
      if (variant.isa <= cap) return variant;
    }
    return variants.back();
  }
};

// The rows of a kernel whose variants are all named `fn`, each in the namespace of its target.
#if defined(__x86_64__)
#define ADZE_VARIANTS(fn) \
  { {Isa::avx512, avx512::fn}, {Isa::avx2, avx2::fn}, {Isa::portable, portable::fn}, }
// Declares `fn` with the given signature in the namespace of each target.
#define ADZE_DECLARE_VARIANTS(ret, fn, ...) \
  namespace avx512 {                        \
  ret fn(__VA_ARGS__);                      \
  }                                         \
  namespace avx2 {                          \
  ret fn(__VA_ARGS__);                      \
  }                                         \
  namespace portable {                      \
  ret fn(__VA_ARGS__);                      \
  }
// The same for constant objects, by address.
#define ADZE_OBJECT_VARIANTS(object) \
  { {Isa::avx512, &avx512::object}, {Isa::avx2, &avx2::object}, {Isa::portable, &portable::object}, }
#define ADZE_DECLARE_OBJECT_VARIANTS(type, object) \
  namespace avx512 {                               \
  extern const type object;                        \
  }                                                \
  namespace avx2 {                                 \
  extern const type object;                        \
  }                                                \
  namespace portable {                             \
  extern const type object;                        \
  }
#else
#define ADZE_OBJECT_VARIANTS(object) \
  { {Isa::portable, &portable::object}, }
#define ADZE_DECLARE_OBJECT_VARIANTS(type, object) \
  namespace portable {                             \
  extern const type object;                        \
  }
#define ADZE_VARIANTS(fn) \
  { {Isa::portable, portable::fn}, }
#define ADZE_DECLARE_VARIANTS(ret, fn, ...) \
  namespace portable {                      \
  ret fn(__VA_ARGS__);                      \
  }
#endif

// What `adze hw` prints of a table: its name and the ISA of each variant, best first.
struct KernelInfo {
  std::string_view name;
  std::size_t variants;
  Isa (*isa)(std::size_t i);
};
template <const auto& Table>
constexpr KernelInfo kernel_info = {Table.name, Table.variants.size(),
                                    [](std::size_t i) { return Table.variants[i].isa; }};

}  // namespace adze
