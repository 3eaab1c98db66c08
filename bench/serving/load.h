// A load on an HTTP server, closed or open, and what came of it.
//
// Closed: each connection sends its next request when it has the answer to the last. Open: requests are due at times
// that are fixed before the load begins, whatever the server does; a request that finds no free connection waits for
// one, and latency counts from when it was due. So a server that stalls is charged for everyone it kept waiting.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "bench/serving/histogram.h"

namespace adze::bench {

struct LoadOptions {
  std::string host = "127.0.0.1";
  int port = 0, connections = 64;
  double seconds = 5, warm_up = 0.5;  // requests of the warm-up are sent and not counted
  double rate = 0;                    // requests per second of an open load; 0: closed
  bool poisson = false;               // gaps of an open load vary as independent clients' do
};

struct LoadResult {
  std::uint64_t due = 0;         // counted requests
  std::uint64_t unanswered = 0;  // of these, when the load's last wait was over
  std::uint64_t broken = 0;      // connections that ended or made no sense while a request was in flight
  std::map<int, std::uint64_t> statuses;
  Histogram latency;             // ns
  std::uint64_t late = 0;        // sent more than a millisecond after they were due though a connection was free
  std::size_t most_waiting = 0;  // requests that were due and had no connection
  int served_connections = 0;    // that had at least one 200
  double seconds = 0, cpu_seconds = 0;
  std::string trouble;  // why there was no load
};

LoadResult run_load(const LoadOptions& options, const std::vector<std::string>& requests);

}  // namespace adze::bench
