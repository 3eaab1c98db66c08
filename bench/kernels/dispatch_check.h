#pragma once

namespace adze::bench {

// Times the row that dispatch takes against every other row that this process may run, on a few shapes of each family,
// and prints a line for each pair. Returns whether it kept up everywhere, all sums were right, and every family has a
// shape among the few.
bool check_dispatch();

}  // namespace adze::bench
