#pragma once

namespace adze::bench {

// Times the row that dispatch takes against every other row that this process may run, on a few shapes of each family,
// then for every 3x3 layer of stride 1 the algorithm that the engine takes against the others, and prints a line for
// each pair. Returns whether what is taken kept up everywhere, all sums were right, and every family has a shape among
// the few.
bool check_dispatch();

}  // namespace adze::bench
