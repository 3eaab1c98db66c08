#include "tools/prepared.h"

#include "runtime/thread_pool.h"
#include "runtime/usable_cpus.h"
#include "tools/feeds.h"

namespace adze {

Result<Prepared> prepare(std::shared_ptr<const Model> model, std::vector<Tensor> feeds, int threads) {
  auto pool = std::make_shared<ThreadPool>(threads > 0 ? threads : usable_cpus());
  Session session(model, std::move(pool));
  ADZE_CHECK(session.reshape(shapes_of(feeds)));
  for (std::size_t i = 0; i < feeds.size(); i++) session.bind_input(static_cast<int>(i), feeds[i].raw());
  return Prepared{std::move(model), std::move(feeds), std::move(session)};
}

}  // namespace adze
