#include "bench/kernels/family.h"

namespace adze::bench {

std::map<std::string, Family>& families() {
  static std::map<std::string, Family> all;
  return all;
}

}  // namespace adze::bench
