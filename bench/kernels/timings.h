#pragma once

namespace adze::bench {

// Registers FAMILY/ISA/MODEL/LAYER for every family, each row that this process may run, and every shape. The portable
// row is timed only where dispatch takes it.
void register_timings();

// Whether all that were run since gave the right sums; a benchmark that didn't has no figures.
bool results_were_right();

}  // namespace adze::bench
